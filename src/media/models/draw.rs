//! Draws a model once, from the front left and a little above, in the light of a studio: the poster.
//!
//! A plain depth-buffer rasteriser: perspective, one key light and one from the sky, twice as many
//! pixels each way as are kept.

use super::{Model, Part};
use image::{Rgb, RgbImage, imageops};

type Vec3 = [f32; 3];

/// Pixels drawn for each that is kept, each way.
const FINER: u32 = 2;
/// Half of the angle of view.
const HALF_VIEW: f32 = 0.26;

fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
fn dot(a: Vec3, b: Vec3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
fn unit(a: Vec3) -> Vec3 {
    let length = dot(a, a).sqrt().max(1e-20);
    a.map(|c| c / length)
}

/// Where the picture is taken from.
struct Camera {
    eye: Vec3,
    right: Vec3,
    up: Vec3,
    ahead: Vec3,
    scale: f32,
    centre: (f32, f32),
}

impl Camera {
    fn around(model: &Model, width: f32, height: f32) -> Self {
        let corners = || {
            model.parts.iter().flat_map(|p| p.triangles.iter().flatten().map(|i| p.positions[*i as usize]))
        };
        let edge = |pick: fn(f32, f32) -> f32, from: f32| {
            corners().fold([from; 3], |a, p| [pick(a[0], p[0]), pick(a[1], p[1]), pick(a[2], p[2])])
        };
        let (least, most) = (edge(f32::min, f32::INFINITY), edge(f32::max, f32::NEG_INFINITY));
        let middle: Vec3 = [0, 1, 2].map(|n| f32::midpoint(least[n], most[n]));
        let radius =
            corners().map(|p| dot(sub(p, middle), sub(p, middle))).fold(0.0, f32::max).sqrt().max(1e-12);
        let back = unit([0.55, 0.42, 1.0]);
        let distance = radius / HALF_VIEW.sin() * 1.02;
        let ahead = back.map(|c| -c);
        let right = unit(cross(ahead, [0.0, 1.0, 0.0]));
        Self {
            eye: [0, 1, 2].map(|n| middle[n] + back[n] * distance),
            right,
            up: cross(right, ahead),
            ahead,
            scale: height.min(width) / 2.0 / HALF_VIEW.tan(),
            centre: (width / 2.0, height / 2.0),
        }
    }

    /// Place in the picture, and one over the depth.
    fn see(&self, p: Vec3) -> Option<(f32, f32, f32)> {
        let from = sub(p, self.eye);
        let depth = dot(from, self.ahead);
        (depth > 1e-20).then(|| {
            let near = self.scale / depth;
            (
                self.centre.0 + dot(from, self.right) * near,
                self.centre.1 - dot(from, self.up) * near,
                1.0 / depth,
            )
        })
    }
}

/// The canvas while it is drawn on.
struct Canvas {
    picture: RgbImage,
    nearest: Vec<f32>,
}

/// The model as a picture.
#[must_use]
pub fn draw(model: &Model, width: u32, height: u32) -> RgbImage {
    let (w, h) = (width * FINER, height * FINER);
    let mut canvas = Canvas { picture: background(w, h), nearest: vec![0.0; (w * h) as usize] };
    #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
    let camera = Camera::around(model, w as f32, h as f32);
    for part in &model.parts {
        let texture = part.texture.and_then(|t| model.textures.get(t)).filter(|_| !part.places.is_empty());
        for triangle in &part.triangles {
            fill(&mut canvas, &camera, part, texture, triangle.map(|i| i as usize));
        }
    }
    imageops::thumbnail(&canvas.picture, width, height)
}

/// Grey that falls off towards the edge, as of a paper background.
fn background(w: u32, h: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| {
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        let (dx, dy) = (x as f32 / w as f32 - 0.5, y as f32 / h as f32 - 0.45);
        let light = (1.0 - (dx * dx + dy * dy) * 1.6).clamp(0.0, 1.0);
        Rgb([byte(38.0 + 46.0 * light), byte(37.0 + 45.0 * light), byte(36.0 + 44.0 * light)])
    })
}

fn byte(v: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = v.clamp(0.0, 255.0).round() as u8;
    byte
}

fn fill(
    canvas: &mut Canvas,
    camera: &Camera,
    part: &Part,
    texture: Option<&image::RgbaImage>,
    corners: [usize; 3],
) {
    let world = corners.map(|c| part.positions[c]);
    let [Some(a), Some(b), Some(c)] = world.map(|p| camera.see(p)) else { return };
    let area = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    if area.abs() < 1e-9 || !area.is_finite() {
        return;
    }
    let face = unit(cross(sub(world[1], world[0]), sub(world[2], world[0])));
    let (w, h) = canvas.picture.dimensions();
    let span = |least: f32, most: f32, size: u32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture")]
        let to = |v: f32| v.clamp(0.0, 1e6) as u32;
        (to(least.floor()), to(most.ceil()).min(size.saturating_sub(1)))
    };
    let (x0, x1) = span(a.0.min(b.0).min(c.0), a.0.max(b.0).max(c.0), w);
    let (y0, y1) = span(a.1.min(b.1).min(c.1), a.1.max(b.1).max(c.1), h);
    for y in y0..=y1 {
        for x in x0..=x1 {
            #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let share = [
                ((b.0 - px) * (c.1 - py) - (b.1 - py) * (c.0 - px)) / area,
                ((c.0 - px) * (a.1 - py) - (c.1 - py) * (a.0 - px)) / area,
                ((a.0 - px) * (b.1 - py) - (a.1 - py) * (b.0 - px)) / area,
            ];
            if share.iter().any(|s| *s < 0.0) {
                continue;
            }
            let near = share[0] * a.2 + share[1] * b.2 + share[2] * c.2;
            let place = (y * w + x) as usize;
            if near <= canvas.nearest[place] {
                continue;
            }
            // Weights on the surface itself, not on the picture of it.
            let weights = [share[0] * a.2 / near, share[1] * b.2 / near, share[2] * c.2 / near];
            let Some(colour) = colour(part, texture, corners, weights) else { continue };
            canvas.nearest[place] = near;
            let normal = match part.normals.as_slice() {
                [] => face,
                all => unit(mix3(corners.map(|c| all[c]), weights)),
            };
            canvas.picture.put_pixel(x, y, Rgb(shade(camera, normal, colour)));
        }
    }
}

fn mix3(of: [Vec3; 3], weights: [f32; 3]) -> Vec3 {
    [0, 1, 2].map(|n| of[0][n] * weights[0] + of[1][n] * weights[1] + of[2][n] * weights[2])
}

/// Colour of the surface at one place; `None` where it has a hole.
fn colour(
    part: &Part,
    texture: Option<&image::RgbaImage>,
    corners: [usize; 3],
    weights: [f32; 3],
) -> Option<Vec3> {
    let mut base = [0, 1, 2].map(|n| f32::from(part.colour[n]));
    if !part.colours.is_empty() {
        let own = mix3(corners.map(|c| [0, 1, 2].map(|n| f32::from(part.colours[c][n]))), weights);
        let plain = part.colour == super::PLAIN;
        base = [0, 1, 2].map(|n| if plain { own[n] } else { base[n] * own[n] / 255.0 });
    }
    if let Some(texture) = texture {
        let at = |n: usize| corners.iter().zip(weights).map(|(c, w)| part.places[*c][n] * w).sum::<f32>();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the texture"
        )]
        let pixel =
            |v: f32, size: u32| ((v - v.floor()) * size as f32).min(size as f32 - 1.0).max(0.0) as u32;
        let texel = texture.get_pixel(pixel(at(0), texture.width()), pixel(at(1), texture.height())).0;
        if texel[3] < 96 {
            return None;
        }
        base = [0, 1, 2].map(|n| base[n] * f32::from(texel[n]) / 255.0);
    }
    Some(base)
}

/// A key light over the left shoulder, a sky, and a little of everything. Both sides are lit.
fn shade(camera: &Camera, normal: Vec3, colour: Vec3) -> [u8; 3] {
    let normal = if dot(normal, camera.ahead) > 0.0 { normal.map(|c| -c) } else { normal };
    let key = unit([0, 1, 2].map(|n| -camera.ahead[n] - 0.7 * camera.right[n] + 0.8 * camera.up[n]));
    let light = 0.30 + 0.18 * (normal[1] * 0.5 + 0.5) + 0.62 * dot(normal, key).max(0.0);
    colour.map(|c| byte(c * light))
}
