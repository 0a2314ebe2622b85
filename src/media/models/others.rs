//! STL, OBJ and PLY, read from their files bit by bit: what is kept is counted before it is taken. STL and PLY come
//! from machines on which z points upwards.

use super::{Model, PLAIN, Part};
use ply_rs_bw::parser::{Parser, Reader};
use ply_rs_bw::ply::{Property, PropertyAccess, PropertyAccessResult};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

type Source = BufReader<File>;

fn y_up(p: [f32; 3]) -> [f32; 3] {
    [p[0], p[2], -p[1]]
}

/// What it says when there are more triangles than are allowed.
pub(super) fn too_many(triangles: u64, most: u64) -> String {
    format!("it has {triangles} triangles; at most {most} are allowed")
}

fn damaged(form: &str) -> String {
    format!("it is no whole {form} file")
}

pub(super) fn stl(mut source: Source, most: u64) -> Result<Model, String> {
    let broken = || damaged("STL");
    let length = source.get_ref().metadata().map_err(|_| broken())?.len();
    let mut head = [0; 84];
    let count = match source.read_exact(&mut head) {
        Ok(()) => u32::from_le_bytes([head[80], head[81], head[82], head[83]]),
        Err(_) => 0,
    };
    let mut mesh = Mesh { most, ..Mesh::default() };
    // By its length, because many programs begin binary files with the word of the others.
    if length == 84 + 50 * u64::from(count) {
        if u64::from(count) > most {
            return Err(too_many(count.into(), most));
        }
        let mut record = [0; 50];
        for _ in 0..count {
            source.read_exact(&mut record).map_err(|_| broken())?;
            let numbers = record[12..48].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
            let numbers: Vec<f32> = numbers.collect();
            mesh.add(numbers.as_chunks::<3>().0)?;
        }
    } else {
        source.rewind().map_err(|_| broken())?;
        for triangle in stl_io::create_stl_reader(&mut source).map_err(|_| broken())? {
            let triangle = triangle.map_err(|_| broken())?;
            mesh.add(&triangle.vertices.map(|v| [v[0], v[1], v[2]]))?;
        }
    }
    Ok(Model { parts: vec![mesh.part], textures: vec![] })
}

/// Triangles that share the corners which lie in the same place.
#[derive(Default)]
struct Mesh {
    part: Part,
    places: HashMap<[u32; 3], u32>,
    most: u64,
}

impl Mesh {
    fn add(&mut self, corners: &[[f32; 3]]) -> Result<(), String> {
        self.part.colour = PLAIN;
        let mut triangle = [0; 3];
        for (index, corner) in triangle.iter_mut().zip(corners) {
            let next = u32::try_from(self.part.positions.len()).unwrap_or(u32::MAX);
            *index = *self.places.entry(corner.map(f32::to_bits)).or_insert(next);
            if *index == next {
                self.part.positions.push(y_up(*corner));
            }
        }
        self.part.triangles.push(triangle);
        let count = self.part.triangles.len() as u64;
        if count > self.most { Err(too_many(count, self.most)) } else { Ok(()) }
    }
}

pub(super) fn obj(mut source: Source, most: u64) -> Result<Model, String> {
    let broken = |_| damaged("OBJ");
    let count = obj_triangles(&mut source).map_err(broken)?;
    if count > most {
        return Err(too_many(count, most));
    }
    source.rewind().map_err(broken)?;
    let options = tobj::LoadOptions { triangulate: true, single_index: true, ..tobj::LoadOptions::default() };
    // Materials lie in other files, which are never opened.
    let none = |_: &std::path::Path| Ok((vec![], Default::default()));
    let (found, _) = tobj::load_obj_buf(&mut source, &options, none).map_err(|_| damaged("OBJ"))?;
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

/// How many triangles the faces of an OBJ become, without keeping any of it.
fn obj_triangles(source: &mut impl BufRead) -> std::io::Result<u64> {
    let (mut count, mut line) = (0, vec![]);
    loop {
        line.clear();
        if source.read_until(b'\n', &mut line)? == 0 {
            return Ok(count);
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if words.next() == Some(b"f") {
            count += words.count().saturating_sub(2) as u64;
        }
    }
}

fn triples<T: Copy>(flat: &[T]) -> Vec<[T; 3]> {
    flat.as_chunks::<3>().0.to_vec()
}

fn byte_colour(c: [f32; 3]) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    [byte(c[0]), byte(c[1]), byte(c[2]), 255]
}

/// A corner of a PLY, of which only this is kept.
#[derive(Default)]
struct Corner {
    place: [Option<f32>; 3],
    normal: [Option<f32>; 3],
    colour: [Option<u8>; 3],
}

impl PropertyAccess for Corner {
    fn new() -> Self {
        Self::default()
    }

    fn set_property(&mut self, name: &str, property: Property) -> PropertyAccessResult {
        let byte = || match property {
            Property::UChar(v) => Some(v),
            ref other => number(other).map(|v| byte_colour([v, v, v])[0]),
        };
        match name {
            "x" => self.place[0] = number(&property),
            "y" => self.place[1] = number(&property),
            "z" => self.place[2] = number(&property),
            "nx" => self.normal[0] = number(&property),
            "ny" => self.normal[1] = number(&property),
            "nz" => self.normal[2] = number(&property),
            "red" => self.colour[0] = byte(),
            "green" => self.colour[1] = byte(),
            "blue" => self.colour[2] = byte(),
            _ => return PropertyAccessResult::Ignored,
        }
        PropertyAccessResult::Set
    }
}

/// A face of a PLY: its corners.
#[derive(Default)]
struct Face(Vec<u32>);

impl PropertyAccess for Face {
    fn new() -> Self {
        Self::default()
    }

    fn set_property(&mut self, name: &str, property: Property) -> PropertyAccessResult {
        if !matches!(name, "vertex_indices" | "vertex_index") {
            return PropertyAccessResult::Ignored;
        }
        self.0 = indices(property);
        PropertyAccessResult::Set
    }
}

/// What is neither; nothing of it is kept.
struct Nothing;

impl PropertyAccess for Nothing {
    fn new() -> Self {
        Self
    }
}

pub(super) fn ply(source: Source, most: u64) -> Result<Model, String> {
    let mut source = Reader::new(source);
    let header = Parser::<Nothing>::new().read_header(&mut source).map_err(|_| damaged("PLY"))?;
    let mut part = Part { colour: PLAIN, ..Part::default() };
    for (name, element) in &header.elements {
        // Told before anything of it is read; what has no properties takes no place and would never end.
        if element.properties.is_empty() || element.count as u64 > most.saturating_mul(3) {
            return Err("it names more elements than are allowed".into());
        }
        match name.as_str() {
            "vertex" => {
                let read = Parser::<Corner>::new().read_payload_for_element(&mut source, element, &header);
                corners(&mut part, &read.map_err(|_| damaged("PLY"))?)?;
            }
            "face" => {
                let read = Parser::<Face>::new().read_payload_for_element(&mut source, element, &header);
                for Face(corners) in read.map_err(|_| damaged("PLY"))? {
                    for n in 2..corners.len() {
                        part.triangles.push([corners[0], corners[n - 1], corners[n]]);
                    }
                    let count = part.triangles.len() as u64;
                    if count > most {
                        return Err(too_many(count, most));
                    }
                }
            }
            _ => {
                let read = Parser::<Nothing>::new().read_payload_for_element(&mut source, element, &header);
                read.map_err(|_| damaged("PLY"))?;
            }
        }
    }
    Ok(Model { parts: vec![part], textures: vec![] })
}

fn corners(part: &mut Part, read: &[Corner]) -> Result<(), String> {
    for corner in read {
        let [Some(x), Some(y), Some(z)] = corner.place else {
            return Err("its corners have no x, y and z".into());
        };
        part.positions.push(y_up([x, y, z]));
        if let [Some(x), Some(y), Some(z)] = corner.normal {
            part.normals.push(y_up([x, y, z]));
        }
        if let [Some(r), Some(g), Some(b)] = corner.colour {
            part.colours.push([r, g, b, 255]);
        }
    }
    Ok(())
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

fn indices(property: Property) -> Vec<u32> {
    let signed = |v: i64| u32::try_from(v).unwrap_or(u32::MAX);
    match property {
        Property::ListInt(v) => v.into_iter().map(|n| signed(i64::from(n))).collect(),
        Property::ListUInt(v) => v,
        Property::ListShort(v) => v.into_iter().map(|n| signed(i64::from(n))).collect(),
        Property::ListUShort(v) => v.into_iter().map(u32::from).collect(),
        Property::ListChar(v) => v.into_iter().map(|n| signed(i64::from(n))).collect(),
        Property::ListUChar(v) => v.into_iter().map(u32::from).collect(),
        _ => vec![],
    }
}
