//! Embeds what `make assets` has gathered in `assets/dist` into the program, and takes the fingerprint
//! of the domain by which snapshots know the rules they were made under.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets/dist/manifest.tsv");
    println!("cargo::rerun-if-changed=assets/dist/icons.tsv");
    println!("cargo::rerun-if-changed=src/domain");
    println!("cargo::rerun-if-changed=src/store/upcasters.rs");
    match fingerprint(Path::new("src/domain"), Path::new("src/store/upcasters.rs")) {
        Ok(print) => println!("cargo::rustc-env=DOMAIN_FINGERPRINT={print:016x}"),
        Err(problem) => println!("cargo::error=src/domain cannot be read: {problem}"),
    }
    if let Err(problem) = embed() {
        println!(
            "cargo::error=the assets are missing ({problem}). Run `make assets` first \
             (Node 18 or newer: npm ci --ignore-scripts --prefix assets && node assets/build.mjs)."
        );
    }
}

/// One number for all source below `folder`, and for what reads older forms of events.
fn fingerprint(folder: &Path, upcasters: &Path) -> std::io::Result<u64> {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                files(&path, found)?;
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    files(folder, &mut found)?;
    found.sort();
    found.push(upcasters.to_owned());
    let mut hasher = DefaultHasher::new();
    for path in found {
        path.hash(&mut hasher);
        fs::read(&path)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Writes `assets.rs` and `icons.rs` for `src/http/assets.rs` and `src/http/ui/icon.rs`.
fn embed() -> Result<(), String> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?;
    let out = env::var("OUT_DIR").map_err(|e| e.to_string())?;
    let dist = Path::new(&root).join("assets/dist");
    let read = |name: &str| {
        fs::read_to_string(dist.join(name)).map_err(|e| format!("{}: {e}", dist.join(name).display()))
    };
    let mut assets = String::from("pub(super) static EMBEDDED: &[Asset] = &[\n");
    for line in read("manifest.tsv")?.lines() {
        let [name, file, kind, packing] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("manifest.tsv has a line that is not understood: {line}"));
        };
        let path = dist.join(file).display().to_string();
        let brotli = if packing == "br" {
            format!("Some(include_bytes!({:?}))", path.clone() + ".br")
        } else {
            "None".into()
        };
        let _ = writeln!(
            assets,
            "    Asset {{ name: {name:?}, file: {file:?}, url: {:?}, kind: {kind:?}, plain: include_bytes!({path:?}), brotli: {brotli} }},",
            format!("/assets/{file}")
        );
    }
    assets.push_str("];\n");
    fs::write(Path::new(&out).join("assets.rs"), assets).map_err(|e| e.to_string())?;

    let icons = read("icons.tsv")?;
    let icons: Vec<(&str, &str)> = icons.lines().filter_map(|l| l.split_once('\t')).collect();
    let mut code = String::from(
        "/// An icon of `assets/icons.txt` (drawn by lucide), inlined in the page.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum Icon {\n",
    );
    for (name, _) in &icons {
        let _ = writeln!(code, "    /// lucide's `{name}`\n    {},", pascal(name));
    }
    code.push_str("}\n\nimpl Icon {\n    fn drawing(self) -> &'static str {\n        match self {\n");
    for (name, body) in &icons {
        let _ = writeln!(code, "            Icon::{} => {body:?},", pascal(name));
    }
    code.push_str("        }\n    }\n}\n");
    fs::write(Path::new(&out).join("icons.rs"), code).map_err(|e| e.to_string())
}

/// `circle-play` → `CirclePlay`
fn pascal(name: &str) -> String {
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    name.split('-').filter(|p| !p.is_empty()).map(upper).collect()
}
