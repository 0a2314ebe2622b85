//! glTF 2.0 (Khronos), binary or as JSON with everything inside.

use super::{Model, PLAIN, Part};
use crate::media::Limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gltf::{Gltf, Node};
use image::{ImageReader, RgbaImage};
use serde_json::{Value, json};
use std::io::Cursor;

type Matrix = [[f32; 4]; 4];

const UNIT: Matrix = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
/// Nodes within nodes, at most.
const DEEPEST: u32 = 64;
/// Nodes in all: each may stand in several places, so that a small file can name endlessly many.
const MOST_NODES: u32 = 100_000;

/// What may still be read before the file is refused.
struct Budget {
    nodes: u32,
    numbers: u64,
}

impl Budget {
    fn node(&mut self) -> Result<(), String> {
        self.nodes = self.nodes.checked_sub(1).ok_or("it has too many parts")?;
        Ok(())
    }

    /// The lists of a surface say how long they are before they are read, whatever the file really holds.
    fn surface(&mut self, primitive: &gltf::Primitive<'_>) -> Result<(), String> {
        let lists = primitive.attributes().map(|(_, list)| list).chain(primitive.indices());
        for list in lists {
            let left = self.numbers.checked_sub(list.count() as u64);
            self.numbers = left.ok_or("it has more corners than are allowed")?;
        }
        Ok(())
    }
}

pub(super) fn read(bytes: Vec<u8>, limits: &Limits) -> Result<Model, String> {
    let Gltf { document, blob } = Gltf::from_slice(&bytes).map_err(|error| match error {
        gltf::Error::Validation(_) => {
            "it is not valid glTF 2.0, or needs an extension such as compression".to_owned()
        }
        _ => "it is no whole glTF 2.0 file".to_owned(),
    })?;
    // What it holds is a copy: a model of hundreds of megabytes need not be there twice.
    drop(bytes);
    // Without a base nothing outside the file can be named.
    let buffers = gltf::import_buffers(&document, None, blob)
        .map_err(|_| "its data lies in other files or is cut off".to_owned())?;
    let mut model = Model::default();
    for picture in document.images() {
        model.textures.push(texture(&picture, &buffers, limits).unwrap_or_else(plain_texture));
    }
    // Three corners a triangle, and up to five lists about each corner.
    let mut budget = Budget { nodes: MOST_NODES, numbers: limits.model_triangles.saturating_mul(18) };
    let scene = document.default_scene().or_else(|| document.scenes().next());
    for node in scene.ok_or("it holds no scene")?.nodes() {
        take(&node, &UNIT, &buffers, (&mut model, &mut budget), 0)?;
    }
    Ok(model)
}

fn plain_texture() -> RgbaImage {
    RgbaImage::from_pixel(1, 1, image::Rgba([255, 255, 255, 255]))
}

/// A picture inside the file, within the limits of stills; `None` leaves the surface without it.
fn texture(
    picture: &gltf::image::Image<'_>,
    buffers: &[gltf::buffer::Data],
    limits: &Limits,
) -> Option<RgbaImage> {
    let held;
    let bytes: &[u8] = match picture.source() {
        gltf::image::Source::View { view, .. } => {
            let end = view.offset().checked_add(view.length())?;
            buffers.get(view.buffer().index())?.get(view.offset()..end)?
        }
        gltf::image::Source::Uri { uri, .. } => {
            held = inline(uri)?.1;
            &held
        }
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut bounds = image::Limits::default();
    bounds.max_image_width = Some(8192);
    bounds.max_image_height = Some(8192);
    bounds.max_alloc = Some(limits.pixels() * 4);
    reader.limits(bounds);
    // The poster is small: so may its textures be.
    Some(reader.decode().ok()?.thumbnail(1024, 1024).to_rgba8())
}

fn take(
    node: &Node<'_>,
    above: &Matrix,
    buffers: &[gltf::buffer::Data],
    (model, budget): (&mut Model, &mut Budget),
    depth: u32,
) -> Result<(), String> {
    if depth > DEEPEST {
        return Err("its parts lie too deep within each other".into());
    }
    budget.node()?;
    let matrix = product(above, &node.transform().matrix());
    for primitive in node.mesh().into_iter().flat_map(|m| m.primitives().collect::<Vec<_>>()) {
        if primitive.mode() != gltf::mesh::Mode::Triangles {
            continue;
        }
        budget.surface(&primitive)?;
        let reader = primitive.reader(|buffer| buffers.get(buffer.index()).map(|d| &d.0[..]));
        let Some(positions) = reader.read_positions() else { continue };
        let positions: Vec<[f32; 3]> = positions.map(|p| point(&matrix, p, 1.0)).collect();
        let corners: Vec<u32> = match reader.read_indices() {
            Some(indices) => indices.into_u32().collect(),
            None => (0..u32::try_from(positions.len()).unwrap_or(0)).collect(),
        };
        let surface = primitive.material().pbr_metallic_roughness();
        let base = surface.base_color_factor();
        let shown = surface.base_color_texture();
        let set = shown.as_ref().map_or(0, |t| t.tex_coord());
        model.parts.push(Part {
            normals: reader
                .read_normals()
                .map(|n| n.map(|n| point(&matrix, n, 0.0)).collect())
                .unwrap_or_default(),
            places: reader.read_tex_coords(set).map(|t| t.into_f32().collect()).unwrap_or_default(),
            colours: reader.read_colors(0).map(|c| c.into_rgba_f32().map(srgb).collect()).unwrap_or_default(),
            triangles: corners.as_chunks::<3>().0.to_vec(),
            colour: if primitive.material().index().is_none() { PLAIN } else { srgb(base) },
            texture: shown.map(|t| t.texture().source().index()),
            positions,
        });
    }
    for child in node.children() {
        take(&child, &matrix, buffers, (&mut *model, &mut *budget), depth + 1)?;
    }
    Ok(())
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let mut out = [[0.0; 4]; 4];
    for (column, of) in out.iter_mut().zip(b) {
        for (row, cell) in column.iter_mut().enumerate() {
            *cell = (0..4).map(|k| a[k][row] * of[k]).sum();
        }
    }
    out
}

fn point(m: &Matrix, p: [f32; 3], w: f32) -> [f32; 3] {
    [0, 1, 2].map(|row| m[0][row] * p[0] + m[1][row] * p[1] + m[2][row] * p[2] + m[3][row] * w)
}

/// Colours of glTF are linear.
fn srgb(linear: [f32; 4]) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    let curve = |v: f32| if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    [byte(curve(linear[0])), byte(curve(linear[1])), byte(curve(linear[2])), byte(linear[3])]
}

/// Type and bytes of a `data:` address.
fn inline(uri: &str) -> Option<(&str, Vec<u8>)> {
    let (kind, data) = uri.strip_prefix("data:")?.split_once(";base64,")?;
    Some((kind, STANDARD.decode(data).ok()?))
}

/// Packs glTF with its data inside into one GLB: browsers may not load `data:` addresses here.
pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = || "it is no whole glTF 2.0 file".to_owned();
    let mut root: Value = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    let (mut bin, mut starts) = (Vec::new(), vec![]);
    for buffer in root["buffers"].as_array().into_iter().flatten() {
        let data = buffer["uri"].as_str().and_then(inline).ok_or_else(damaged)?.1;
        starts.push(append(&mut bin, &data));
    }
    for view in list(&mut root, "bufferViews") {
        let buffer =
            view["buffer"].as_u64().and_then(|n| starts.get(usize::try_from(n).ok()?)).ok_or_else(damaged)?;
        view["byteOffset"] = json!(view["byteOffset"].as_u64().unwrap_or(0) + *buffer as u64);
        view["buffer"] = json!(0);
    }
    let mut views = root["bufferViews"].as_array().cloned().unwrap_or_default();
    for picture in list(&mut root, "images") {
        let Some((kind, data)) = picture["uri"].as_str().and_then(inline).map(|(k, d)| (k.to_owned(), d))
        else {
            continue;
        };
        let start = append(&mut bin, &data);
        *picture = json!({ "bufferView": views.len(), "mimeType": kind });
        views.push(json!({ "buffer": 0, "byteOffset": start, "byteLength": data.len() }));
    }
    root["bufferViews"] = views.into();
    root["buffers"] = json!([{ "byteLength": bin.len() }]);
    super::glb::assemble(&root, bin)
}

/// The entries of a list; none if it is missing, and then it stays so.
fn list<'a>(root: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    root.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Appends at a multiple of four; gives where.
fn append(bin: &mut Vec<u8>, data: &[u8]) -> usize {
    bin.resize(bin.len().next_multiple_of(4), 0);
    let start = bin.len();
    bin.extend_from_slice(data);
    start
}

/// The JSON form of a GLB of ours, with its data inside.
#[cfg(test)]
pub(super) fn unpacked_for_tests(glb: &[u8]) -> Vec<u8> {
    let glb = gltf::Glb::from_slice(glb).unwrap();
    let mut root: Value = serde_json::from_slice(&glb.json).unwrap();
    let data = STANDARD.encode(glb.bin.unwrap());
    root["buffers"][0]["uri"] = format!("data:application/octet-stream;base64,{data}").into();
    serde_json::to_vec(&root).unwrap()
}
