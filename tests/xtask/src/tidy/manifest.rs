//! What the rules need of a `Cargo.toml`, read line by line.
//!
//! Our manifests keep to the simple forms (one key a line), so a whole TOML reader is not
//! needed; a table written otherwise would show as an unknown dependency, not be missed.

/// One dependency of a crate.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its name in the sources, with `-`.
    pub name: String,
    /// The line that names it.
    pub line: usize,
    /// Whether only tests and benches have it.
    pub dev: bool,
}

/// One crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The path of the manifest.
    pub path: String,
    /// The folder it is in.
    pub folder: String,
    /// The crate's name and the line it stands on.
    pub name: Option<(String, usize)>,
    /// Its dependencies of all kinds.
    pub dependencies: Vec<Dependency>,
    /// Paths of targets that are named explicitly, from the crate's folder.
    pub targets: Vec<String>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub fn parse(path: &str, text: &str) -> Self {
        let folder = path.strip_suffix("/Cargo.toml").unwrap_or("").to_owned();
        let mut manifest = Self {
            path: path.to_owned(),
            folder,
            ..Self::default()
        };
        let mut section = String::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split(" #").next().unwrap_or_default().trim();
            if text.starts_with('#') {
                continue;
            }
            if let Some(header) = text.strip_prefix('[') {
                section = header.trim_matches(['[', ']']).to_owned();
                if let Some((kind, name)) = section.rsplit_once('.')
                    && let Some(dev) = dependency_kind(kind)
                {
                    let name = name.to_owned();
                    manifest.dependencies.push(Dependency { name, line, dev });
                }
            } else if let Some((key, value)) = text.split_once('=') {
                manifest.key(&section, key.trim(), value.trim(), line);
            }
        }
        manifest
    }

    fn key(&mut self, section: &str, key: &str, value: &str, line: usize) {
        let plain = value.trim_matches('"');
        if let Some(dev) = dependency_kind(section) {
            let name = key
                .split('.')
                .next()
                .unwrap_or(key)
                .trim_matches('"')
                .to_owned();
            self.dependencies.push(Dependency { name, line, dev });
            return;
        }
        match (section, key) {
            ("package", "name") => self.name = Some((plain.to_owned(), line)),
            ("lib" | "bin" | "test" | "bench" | "example", "path") | ("package", "build") => {
                self.targets.push(plain.to_owned());
            }
            _ => {}
        }
    }
}

/// Whether a section lists dependencies; if so, whether they are for tests only.
fn dependency_kind(section: &str) -> Option<bool> {
    match section.rsplit('.').next()? {
        // The workspace's table states versions, it depends on nothing.
        _ if section.starts_with("workspace") => None,
        "dependencies" | "build-dependencies" => Some(false),
        "dev-dependencies" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    fn check(text: &str, want: &[(&str, usize, bool)]) {
        let manifest = Manifest::parse("a/b/Cargo.toml", text);
        let got: Vec<_> = manifest
            .dependencies
            .iter()
            .map(|d| (d.name.as_str(), d.line, d.dev))
            .collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn dependencies_of_every_form() {
        check(
            "[dependencies]\na.workspace = true\nb = \"1\" # c = 2\n",
            &[("a", 2, false), ("b", 3, false)],
        );
        check(
            "[dev-dependencies]\n# x = 1\nc-d = { version = \"1\" }\n",
            &[("c-d", 3, true)],
        );
        check(
            "[target.'cfg(unix)'.dependencies]\ne = \"1\"\n",
            &[("e", 2, false)],
        );
        check("[dependencies.f]\nversion = \"1\"\n", &[("f", 1, false)]);
        check("[workspace.dependencies]\ng = \"1\"\n", &[]);
    }

    #[test]
    fn name_folder_and_targets() {
        let text = "[package]\nname = \"a-b\"\n[[bin]]\nname = \"vm\"\npath = \"src/vm.rs\"\n";
        let manifest = Manifest::parse("a/b/Cargo.toml", text);
        assert_eq!(manifest.name, Some(("a-b".to_owned(), 2)));
        assert_eq!(manifest.folder, "a/b");
        assert_eq!(manifest.targets, ["src/vm.rs"]);
    }
}
