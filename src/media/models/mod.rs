//! 3D models: read into triangles, drawn once as a poster, and given to the viewer as one GLB file.
//!
//! GLB and glTF (everything inside), STL, OBJ and PLY. What cannot be read is refused by a sentence;
//! nothing outside the file is ever opened.

mod draw;
mod glb;
mod gltf_file;
mod others;

use super::store::{copy_atomically, write_atomically};
use super::{Limits, MediaTrouble};
use crate::domain::media::{Facts, Rejection};
use image::RgbaImage;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub use draw::draw;

/// How a model is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ModelForm {
    /// Binary glTF 2.0.
    Glb,
    /// glTF 2.0 as JSON, with its data inside.
    Gltf,
    /// STL, text or binary.
    Stl,
    /// Wavefront OBJ.
    Obj,
    /// Stanford PLY, text or binary.
    Ply,
}

/// Triangles of one surface. Lists are empty or as long as `positions`.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Corners, with y upwards.
    pub positions: Vec<[f32; 3]>,
    /// Directions of the surface at the corners.
    pub normals: Vec<[f32; 3]>,
    /// Places in the texture.
    pub places: Vec<[f32; 2]>,
    /// Colours of the corners, sRGB.
    pub colours: Vec<[u8; 4]>,
    /// Three corners each.
    pub triangles: Vec<[u32; 3]>,
    /// Colour of the whole surface, sRGB.
    pub colour: [u8; 4],
    /// Which of the model's textures lies on it.
    pub texture: Option<usize>,
}

/// A whole model.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Its surfaces.
    pub parts: Vec<Part>,
    /// Pictures that lie on them.
    pub textures: Vec<RgbaImage>,
}

impl Model {
    /// Triangles of all surfaces.
    #[must_use]
    pub fn triangles(&self) -> u64 {
        self.parts.iter().map(|p| p.triangles.len() as u64).sum()
    }

    /// Keeps only triangles whose corners exist and are numbers.
    fn tidy(&mut self) {
        for part in &mut self.parts {
            let good: Vec<bool> = part.positions.iter().map(|p| p.iter().all(|c| c.is_finite())).collect();
            part.triangles.retain(|t| t.iter().all(|i| good.get(*i as usize) == Some(&true)));
            let count = part.positions.len();
            if part.normals.len() != count {
                part.normals.clear();
            }
            if part.places.len() != count {
                part.places.clear();
            }
            if part.colours.len() != count {
                part.colours.clear();
            }
        }
        self.parts.retain(|p| !p.triangles.is_empty());
    }
}

/// Grey of surfaces without a colour of their own.
const PLAIN: [u8; 4] = [190, 188, 184, 255];

fn refused(found: impl Into<String>) -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::ModelUnreadable { found: found.into() })
}

/// Reads a model.
///
/// # Errors
/// A rejection with its sentence when it is too large, damaged, or refers to other files.
pub fn read(file: &Path, form: ModelForm, limits: &Limits) -> Result<(Model, Facts), MediaTrouble> {
    let length = std::fs::metadata(file)?.len();
    if length > limits.model_mib << 20 {
        return Err(refused(format!("it is larger than {} MiB", limits.model_mib)));
    }
    let source = BufReader::new(File::open(file)?);
    let most = limits.model_triangles;
    // glTF names places in itself, so it has to be there as a whole.
    let whole = match form {
        ModelForm::Glb | ModelForm::Gltf => std::fs::read(file)?,
        _ => vec![],
    };
    // Parsers of others meet bytes of strangers: what makes one give up must not take the worker along.
    let parsed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match form {
        ModelForm::Glb | ModelForm::Gltf => gltf_file::read(whole, limits),
        ModelForm::Stl => others::stl(source, most),
        ModelForm::Obj => others::obj(source, most),
        ModelForm::Ply => others::ply(source, most),
    }));
    let mut model = parsed.unwrap_or_else(|_| Err("it is damaged".into())).map_err(refused)?;
    model.tidy();
    let triangles = model.triangles();
    if triangles == 0 {
        return Err(refused("it holds no surface"));
    }
    if triangles > most {
        return Err(refused(others::too_many(triangles, most)));
    }
    let format: &str = form.into();
    Ok((model, Facts { format: format.to_owned(), triangles, frame_rate: (0, 1), ..Facts::default() }))
}

/// Writes the model as one GLB for the viewer: a GLB as it came, glTF with its data packed, all else written anew.
/// Gives its length.
///
/// # Errors
/// If the file cannot be read or written as GLB.
pub fn write_for_viewer(
    file: &Path,
    form: ModelForm,
    model: &Model,
    target: &Path,
) -> Result<u64, MediaTrouble> {
    let bytes = match form {
        ModelForm::Glb => return Ok(copy_atomically(file, target)?),
        ModelForm::Gltf => gltf_file::pack(&std::fs::read(file)?).map_err(refused)?,
        _ => glb::write(model).map_err(MediaTrouble::internal)?,
    };
    write_atomically(target, &bytes)?;
    Ok(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8], form: ModelForm) -> Result<(Model, Facts), MediaTrouble> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model");
        std::fs::write(&file, text).unwrap();
        read(&file, form, &Limits::default())
    }

    const OBJ: &[u8] = b"mtllib other.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n";
    const STL: &[u8] = b"solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid x\n";
    const PLY: &[u8] = b"ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0 255 0 0\n1 0 0 255 0 0\n1 1 0 255 0 0\n0 1 0 255 0 0\n4 0 1 2 3\n";

    #[test]
    fn every_form_becomes_triangles_and_a_glb_that_is_read_again() {
        for (bytes, form, triangles) in
            [(OBJ, ModelForm::Obj, 2), (STL, ModelForm::Stl, 1), (PLY, ModelForm::Ply, 2)]
        {
            let (model, facts) = read_text(bytes, form).unwrap();
            assert_eq!((model.triangles(), facts.triangles), (triangles, triangles), "{form:?}");
            let packed = glb::write(&model).unwrap();
            let (again, _) = read_text(&packed, ModelForm::Glb).unwrap();
            assert_eq!(again.triangles(), triangles, "{form:?}");
            assert_eq!(again.parts[0].positions, model.parts[0].positions);
            assert_eq!(again.parts[0].colours, model.parts[0].colours);
            let json = gltf_file::unpacked_for_tests(&packed);
            let (text, _) = read_text(&json, ModelForm::Gltf).unwrap();
            assert_eq!(text.triangles(), triangles);
            let repacked = gltf_file::pack(&json).unwrap();
            assert_eq!(read_text(&repacked, ModelForm::Glb).unwrap().0.triangles(), triangles);
        }
        assert_eq!(read_text(PLY, ModelForm::Ply).unwrap().0.parts[0].colours[0], [255, 0, 0, 255]);
    }

    #[test]
    fn damaged_empty_and_foreign_models_are_refused_in_words() {
        let elsewhere =
            br#"{"asset":{"version":"2.0"},"buffers":[{"uri":"/etc/passwd","byteLength":8}],"meshes":[]}"#;
        for (bytes, form) in [
            (&b"glTF\x02\0\0\0\xff\xff\xff\xffgarbage"[..], ModelForm::Glb),
            (elsewhere, ModelForm::Gltf),
            (b"solid nothing\nendsolid\n", ModelForm::Stl),
            (b"v 0 0 0\n", ModelForm::Obj),
            (b"v nan nan nan\nv 1 1 1\nv 2 2 2\nf 1 2 3\n", ModelForm::Obj),
            (
                b"ply\nformat ascii 1.0\nelement vertex 99999999\nproperty float x\nend_header\n",
                ModelForm::Ply,
            ),
        ] {
            let why = read_text(bytes, form).map(|m| m.1).unwrap_err().to_string();
            assert!(why.starts_with("The 3D model cannot be read: "), "{form:?}: {why}");
            assert!(!why.contains("passwd"), "{why}");
        }
    }

    #[test]
    fn small_files_that_name_endless_models_are_refused_quickly() {
        // Every node holds the next one twice: two to the power of sixty places.
        let nodes: Vec<String> = (0..60).map(|n| format!("{{\"children\":[{0},{0}]}}", n + 1)).collect();
        let doubling = format!(
            "{{\"asset\":{{\"version\":\"2.0\"}},\"scenes\":[{{\"nodes\":[0]}}],\"nodes\":[{},{{}}]}}",
            nodes.join(",")
        );
        // Four thousand million corners, none of which stands in the file.
        let hollow = r#"{"asset":{"version":"2.0"},"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],
            "meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],
            "buffers":[{"uri":"data:application/octet-stream;base64,AAAAAAAAAAAAAAAAAAAAAA==","byteLength":16}],
            "bufferViews":[{"buffer":0,"byteOffset":0,"byteLength":4},{"buffer":0,"byteOffset":4,"byteLength":12}],
            "accessors":[{"componentType":5126,"type":"VEC3","count":4000000000,"min":[0,0,0],"max":[0,0,0],
              "sparse":{"count":1,"indices":{"bufferView":0,"componentType":5125},"values":{"bufferView":1}}}]}"#;
        for (bytes, words) in [(doubling.as_bytes(), "too many parts"), (hollow.as_bytes(), "more corners")] {
            let why = read_text(bytes, ModelForm::Gltf).map(|m| m.1).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.obj");
        std::fs::write(&file, OBJ).unwrap();
        let with =
            |model_triangles| read(&file, ModelForm::Obj, &Limits { model_triangles, ..Limits::default() });
        assert!(with(2).is_ok());
        assert!(with(1).unwrap_err().to_string().contains("at most 1"));
        for (bytes, form) in [(PLY, ModelForm::Ply), (&twice(STL)[..], ModelForm::Stl), (OBJ, ModelForm::Obj)]
        {
            std::fs::write(&file, bytes).unwrap();
            let with = |model_triangles| read(&file, form, &Limits { model_triangles, ..Limits::default() });
            assert_eq!(with(2).unwrap().1.triangles, 2, "{form:?}");
            let why = with(1).unwrap_err().to_string();
            assert!(why.contains("at most 1") || why.contains("more elements"), "{form:?}: {why}");
        }
    }

    /// The same triangle once more, moved aside.
    fn twice(stl: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(stl.to_vec()).unwrap();
        let facet = &text[text.find("facet").unwrap()..text.find("endsolid").unwrap()];
        text.replace("endsolid", &format!("{}endsolid", facet.replace("vertex 0 0 0", "vertex 5 0 0"))).into()
    }

    #[test]
    fn binary_files_are_known_by_their_length_whatever_they_begin_with() {
        let mut bytes = b"solid made by a program that says so".to_vec();
        bytes.resize(80, b' ');
        bytes.extend(2_u32.to_le_bytes());
        for corners in [[0, 0, 0, 1, 0, 0, 0, 1, 0], [1, 0, 0, 1, 1, 0, 0, 1, 0]] {
            bytes.extend([0; 12]);
            bytes.extend(corners.iter().flat_map(|n: &i16| f32::from(*n).to_le_bytes()));
            bytes.extend([0; 2]);
        }
        let (model, facts) = read_text(&bytes, ModelForm::Stl).unwrap();
        assert_eq!((facts.triangles, model.parts[0].positions.len()), (2, 4), "corners are shared");
        assert!(read_text(&bytes[..150], ModelForm::Stl).is_err());
    }

    #[test]
    fn elements_that_take_no_place_do_not_keep_anybody_busy() {
        for (properties, count) in [("", 1_u64 << 60), ("property uchar a\n", 1 << 60), ("", 3)] {
            let file = format!(
                "ply\nformat binary_little_endian 1.0\nelement other {count}\n{properties}end_header\n"
            );
            assert!(read_text(file.as_bytes(), ModelForm::Ply).is_err(), "{count}");
        }
    }

    #[test]
    fn a_drawn_model_fills_the_picture_and_has_light_and_shade() {
        let cube = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1\nf 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n";
        let (model, _) = read_text(cube, ModelForm::Obj).unwrap();
        let picture = draw(&model, 320, 240);
        let shades: std::collections::BTreeSet<u8> = picture.pixels().map(|p| p.0[0] / 8).collect();
        assert!(shades.len() >= 4, "{shades:?}");
        let middle = picture.get_pixel(160, 120).0[0];
        assert!(middle.abs_diff(picture.get_pixel(2, 2).0[0]) > 20);
    }
}
