//! Writes a model as GLB (glTF 2.0, binary).

use super::Model;
use serde_json::{Value, json};

const FLOAT: u32 = 5126;
const UNSIGNED: u32 = 5125;
const SHORT: u32 = 5123;

/// Buffer and its description while it grows.
#[derive(Default)]
struct Writer {
    bin: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl Writer {
    /// Adds one list; gives the number of its accessor.
    fn add(&mut self, bytes: Vec<u8>, count: usize, mut accessor: Value) -> usize {
        let start = self.bin.len();
        let length = bytes.len();
        self.bin.extend(bytes);
        self.bin.resize(self.bin.len().next_multiple_of(4), 0);
        accessor["bufferView"] = self.views.len().into();
        accessor["count"] = count.into();
        self.views.push(json!({ "buffer": 0, "byteOffset": start, "byteLength": length }));
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }
}

fn floats(list: &[[f32; 3]]) -> Vec<u8> {
    list.iter().flatten().flat_map(|v| v.to_le_bytes()).collect()
}

/// Colours of glTF are linear; in sixteen bits, so that the dark ones keep their steps.
fn linear(colour: [u8; 4]) -> [u16; 4] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of one")]
    let wide = |share: f32| (share * 65_535.0).round() as u16;
    let curve = |c: u8| {
        let v = f32::from(c) / 255.0;
        wide(if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) })
    };
    [curve(colour[0]), curve(colour[1]), curve(colour[2]), wide(f32::from(colour[3]) / 255.0)]
}

/// The model with corners, directions, colours and triangles; pictures are left out.
pub(super) fn write(model: &Model) -> Result<Vec<u8>, String> {
    let mut out = Writer::default();
    let (mut primitives, mut materials) = (vec![], vec![]);
    for part in &model.parts {
        let count = part.positions.len();
        let edge = |pick: fn(f32, f32) -> f32, from: f32| {
            part.positions
                .iter()
                .filter(|p| p.iter().all(|c| c.is_finite()))
                .fold([from; 3], |a, p| [pick(a[0], p[0]), pick(a[1], p[1]), pick(a[2], p[2])])
        };
        let (least, most) = (edge(f32::min, f32::INFINITY), edge(f32::max, f32::NEG_INFINITY));
        let positions = json!({ "componentType": FLOAT, "type": "VEC3", "min": least, "max": most });
        let mut attributes = json!({ "POSITION": out.add(floats(&part.positions), count, positions) });
        if !part.normals.is_empty() {
            let normals = json!({ "componentType": FLOAT, "type": "VEC3" });
            attributes["NORMAL"] = out.add(floats(&part.normals), count, normals).into();
        }
        if !part.colours.is_empty() {
            let bytes = part.colours.iter().flat_map(|c| linear(*c)).flat_map(u16::to_le_bytes).collect();
            let colours = json!({ "componentType": SHORT, "normalized": true, "type": "VEC4" });
            attributes["COLOR_0"] = out.add(bytes, count, colours).into();
        }
        let corners: Vec<u8> = part.triangles.iter().flatten().flat_map(|i| i.to_le_bytes()).collect();
        let indices = json!({ "componentType": UNSIGNED, "type": "SCALAR" });
        let indices = out.add(corners, part.triangles.len() * 3, indices);
        primitives.push(json!({ "attributes": attributes, "indices": indices, "material": materials.len() }));
        let [r, g, b, a] = part.colour.map(|c| (f64::from(c) / 255.0).powf(2.2));
        materials.push(json!({
            "pbrMetallicRoughness": { "baseColorFactor": [r, g, b, a], "metallicFactor": 0.0, "roughnessFactor": 0.8 },
            "doubleSided": true,
        }));
    }
    let root = json!({
        "asset": { "version": "2.0", "generator": "Kinora" }, "scene": 0, "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0 }], "meshes": [{ "primitives": primitives }], "materials": materials,
        "buffers": [{ "byteLength": out.bin.len() }], "bufferViews": out.views, "accessors": out.accessors,
    });
    assemble(&root, out.bin)
}

/// Header, JSON and data as the format wants them.
pub(super) fn assemble(root: &Value, mut bin: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut text = serde_json::to_vec(root).map_err(|e| e.to_string())?;
    text.resize(text.len().next_multiple_of(4), b' ');
    bin.resize(bin.len().next_multiple_of(4), 0);
    let size =
        |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| "it is too large for GLB".to_owned());
    let mut glb = vec![];
    glb.extend(b"glTF");
    glb.extend(2_u32.to_le_bytes());
    glb.extend(size(12 + 8 + text.len() + 8 + bin.len())?);
    glb.extend(size(text.len())?);
    glb.extend(b"JSON");
    glb.extend(text);
    glb.extend(size(bin.len())?);
    glb.extend(b"BIN\0");
    glb.extend(bin);
    Ok(glb)
}
