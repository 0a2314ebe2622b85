//! STL, OBJ and PLY. STL and PLY come from machines on which z points upwards.

use super::{Model, PLAIN, Part};
use ply_rs_bw::parser::Parser;
use ply_rs_bw::ply::{DefaultElement, Property};
use std::io::Cursor;

fn y_up(p: [f32; 3]) -> [f32; 3] {
    [p[0], p[2], -p[1]]
}

pub(super) fn stl(bytes: &[u8]) -> Result<Model, String> {
    let mesh = stl_io::read_stl(&mut Cursor::new(bytes)).map_err(|_| "it is no whole STL file".to_owned())?;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let part = Part {
        positions: mesh.vertices.iter().map(|v| y_up([v[0], v[1], v[2]])).collect(),
        triangles: mesh.faces.iter().map(|f| f.vertices.map(number)).collect(),
        colour: PLAIN,
        ..Part::default()
    };
    Ok(Model { parts: vec![part], textures: vec![] })
}

pub(super) fn obj(bytes: &[u8]) -> Result<Model, String> {
    let options = tobj::LoadOptions { triangulate: true, single_index: true, ..tobj::LoadOptions::default() };
    // Materials lie in other files, which are never opened.
    let none = |_: &std::path::Path| Ok((vec![], Default::default()));
    let (found, _) = tobj::load_obj_buf(&mut Cursor::new(bytes), &options, none)
        .map_err(|_| "it is no whole OBJ file".to_owned())?;
    let parts = found.into_iter().map(|model| {
        let mesh = model.mesh;
        Part {
            positions: triples(&mesh.positions),
            normals: triples(&mesh.normals),
            colours: triples(&mesh.vertex_color).iter().map(|c| byte_colour(*c)).collect(),
            triangles: triples(&mesh.indices),
            colour: PLAIN,
            ..Part::default()
        }
    });
    Ok(Model { parts: parts.collect(), textures: vec![] })
}

fn triples<T: Copy>(flat: &[T]) -> Vec<[T; 3]> {
    flat.as_chunks::<3>().0.to_vec()
}

fn byte_colour(c: [f32; 3]) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    [byte(c[0]), byte(c[1]), byte(c[2]), 255]
}

pub(super) fn ply(bytes: &[u8]) -> Result<Model, String> {
    let ply = Parser::<DefaultElement>::new()
        .read_ply(&mut Cursor::new(bytes))
        .map_err(|_| "it is no whole PLY file".to_owned())?;
    let mut part = Part { colour: PLAIN, ..Part::default() };
    for vertex in ply.payload.get("vertex").into_iter().flatten() {
        let at = |name: &str| vertex.get(name).and_then(number);
        let (Some(x), Some(y), Some(z)) = (at("x"), at("y"), at("z")) else {
            return Err("its corners have no x, y and z".into());
        };
        part.positions.push(y_up([x, y, z]));
        if let (Some(x), Some(y), Some(z)) = (at("nx"), at("ny"), at("nz")) {
            part.normals.push(y_up([x, y, z]));
        }
        let byte = |name: &str| match vertex.get(name)? {
            Property::UChar(v) => Some(*v),
            other => number(other).map(|v| byte_colour([v, v, v])[0]),
        };
        if let (Some(r), Some(g), Some(b)) = (byte("red"), byte("green"), byte("blue")) {
            part.colours.push([r, g, b, 255]);
        }
    }
    for face in ply.payload.get("face").into_iter().flatten() {
        let corners = face.get("vertex_indices").or_else(|| face.get("vertex_index")).map(indices);
        let Some(corners) = corners.filter(|c| c.len() >= 3) else { continue };
        for n in 1..corners.len() - 1 {
            part.triangles.push([corners[0], corners[n], corners[n + 1]]);
        }
    }
    Ok(Model { parts: vec![part], textures: vec![] })
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "corners are kept as f32")]
fn number(property: &Property) -> Option<f32> {
    Some(match property {
        Property::Float(v) => *v,
        Property::Double(v) => *v as f32,
        Property::Int(v) => *v as f32,
        Property::UInt(v) => *v as f32,
        Property::Short(v) => f32::from(*v),
        Property::UShort(v) => f32::from(*v),
        Property::Char(v) => f32::from(*v),
        Property::UChar(v) => f32::from(*v),
        _ => return None,
    })
}

fn indices(property: &Property) -> Vec<u32> {
    let signed = |v: i64| u32::try_from(v).unwrap_or(u32::MAX);
    match property {
        Property::ListInt(v) => v.iter().map(|n| signed(i64::from(*n))).collect(),
        Property::ListUInt(v) => v.clone(),
        Property::ListShort(v) => v.iter().map(|n| signed(i64::from(*n))).collect(),
        Property::ListUShort(v) => v.iter().map(|n| u32::from(*n)).collect(),
        Property::ListChar(v) => v.iter().map(|n| signed(i64::from(*n))).collect(),
        Property::ListUChar(v) => v.iter().map(|n| u32::from(*n)).collect(),
        _ => vec![],
    }
}
