//! Users and groups: the lists that the package base-passwd brings, and those that other packages
//! ask for in sysusers.d files (the manual page sysusers.d, section 5).

use anyhow::{Context as _, Result};

use super::tree::Tree;

/// Packages' own users and groups count down from here, as systemd-sysusers has it.
const FIRST: u32 = 999;

/// The shell of those who do not log in.
const NOLOGIN: &str = "/usr/sbin/nologin";

/// The lines of `/etc/passwd` and its companions.
#[derive(Default)]
struct Accounts {
    passwd: String,
    group: String,
    used: Vec<u32>,
}

/// Writes the files; root needs no password.
pub fn write(tree: &mut Tree) -> Result<()> {
    let masters = "usr/share/base-passwd";
    let mut accounts = Accounts {
        passwd: shadowed(tree.text(&format!("{masters}/passwd.master"))?),
        group: shadowed(tree.text(&format!("{masters}/group.master"))?),
        used: Vec::new(),
    };
    let files: Vec<String> = tree
        .nodes()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("usr/lib/sysusers.d/") && name.ends_with(".conf"))
        .map(str::to_owned)
        .collect();
    for file in files {
        for line in tree.text(&file)?.lines() {
            accounts.add(line);
        }
    }
    let shadow: String = accounts
        .names()
        .map(|name| match name {
            "root" => "root::20454:0:99999:7:::\n".to_owned(),
            name => format!("{name}:!*:20454::::::\n"),
        })
        .collect();
    let groups = accounts.group.lines();
    let gshadow: String = groups
        .filter_map(|line| Some(format!("{}:*::\n", line.split(':').next()?)))
        .collect();
    let group_number = |name: &str| accounts.group_number(name);
    let shadow_group = group_number("shadow").context("there is no group shadow")?;
    let bus_group = group_number("messagebus");
    tree.file("etc/passwd", 0o644, accounts.passwd)?;
    tree.file("etc/group", 0o644, accounts.group)?;
    for (name, text) in [("etc/shadow", shadow), ("etc/gshadow", gshadow)] {
        tree.file(name, 0o640, text)?;
        tree.own(name, 0, shadow_group, 0o640)?;
    }
    let launcher = "usr/lib/dbus-1.0/dbus-daemon-launch-helper";
    if let (Some(group), true) = (bus_group, tree.has(launcher)) {
        tree.own(launcher, 0, group, 0o4754)?;
    }
    Ok(())
}

/// The master files have `*` where `x` says that the password is in the other file.
fn shadowed(master: &str) -> String {
    let line = |line: &str| line.replacen(":*:", ":x:", 1) + "\n";
    master.lines().map(line).collect()
}

impl Accounts {
    fn names(&self) -> impl Iterator<Item = &str> {
        let lines = self.passwd.lines();
        lines.filter_map(|line| line.split(':').next())
    }

    fn group_number(&self, name: &str) -> Option<u32> {
        let mut lines = self.group.lines().map(|line| line.split(':'));
        let mut line = lines.find(|line| line.clone().next() == Some(name))?;
        line.nth(2)?.parse().ok()
    }

    /// A line of a sysusers.d file: `g NAME ID` or `u NAME ID "TEXT" HOME SHELL`.
    fn add(&mut self, line: &str) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["g", name, id, ..] => self.add_group(name, id),
            ["u" | "u!", name, id, ref rest @ ..] if !self.names().any(|other| other == name) => {
                let part = |at: usize, lacking| match rest.get(at) {
                    None | Some(&"-") => lacking,
                    Some(text) => *text,
                };
                let (text, home, shell) = (part(0, ""), part(1, "/"), part(2, NOLOGIN));
                let id = self.number(id);
                self.passwd += &format!("{name}:x:{id}:{id}:{text}:{home}:{shell}\n");
                self.add_group(name, &id.to_string());
            }
            // `m` adds users to groups, `r` reserves numbers; an empty line or a comment.
            _ => {}
        }
    }

    fn add_group(&mut self, name: &str, id: &str) {
        if self.group_number(name).is_none() {
            let id = self.number(id);
            self.group += &format!("{name}:x:{id}:\n");
        }
    }

    /// The number that is asked for, or the next one.
    fn number(&mut self, asked: &str) -> u32 {
        let asked = asked.split(':').next().unwrap_or_default();
        asked.parse().unwrap_or_else(|_| {
            let lowest = self.used.last().map_or(FIRST, |id| id - 1);
            self.used.push(lowest);
            lowest
        })
    }
}

/// Words between blanks, or between quotes.
fn words(line: &str) -> Vec<String> {
    let line = line.trim();
    if line.starts_with('#') {
        return Vec::new();
    }
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::write;

    #[test]
    fn lists_of_all_packages_come_together() {
        let mut tree = Tree::default();
        let mut file = |name: &str, text: &str| tree.file(name, 0o644, text).expect("new");
        let masters = "usr/share/base-passwd";
        file(
            &format!("{masters}/passwd.master"),
            "root:*:0:0:root:/root:/bin/bash\nbin:*:2:2:bin:/bin:/usr/sbin/nologin\n",
        );
        file(
            &format!("{masters}/group.master"),
            "root:*:0:\nbin:*:2:\nshadow:*:42:\n",
        );
        file(
            "usr/lib/sysusers.d/a.conf",
            "# users\nu messagebus - \"System Message Bus\" /nonexistent\ng root 0 -\n\
             g input -\nu bin 2 - /bin\nm bin input\n",
        );
        file("usr/lib/sysusers.d/b.conf", "u! net 77 \"N\"\n");
        file("usr/lib/dbus-1.0/dbus-daemon-launch-helper", "");
        write(&mut tree).expect("complete lists");
        let check = |name: &str, want: &str| assert_eq!(tree.text(name).expect(name), want);
        check(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n\
             messagebus:x:999:999:System Message Bus:/nonexistent:/usr/sbin/nologin\n\
             net:x:77:77:N:/:/usr/sbin/nologin\n",
        );
        check(
            "etc/group",
            "root:x:0:\nbin:x:2:\nshadow:x:42:\nmessagebus:x:999:\ninput:x:998:\nnet:x:77:\n",
        );
        let shadow = tree.text("etc/shadow").expect("shadow");
        assert!(shadow.starts_with("root::"), "{shadow}");
        assert_eq!(shadow.lines().count(), 4);
        let helper = tree.nodes().find(|(name, _)| name.ends_with("helper"));
        assert_eq!(
            helper.map(|(_, node)| (node.gid, node.mode)),
            Some((999, 0o4754))
        );
    }
}
