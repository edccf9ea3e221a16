//! The steps of a test.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::{At, Fields, whole};
use super::keys::{ENDS, Key, VERBS, nearest};
use super::pattern::{Template, Variables, is_name};
use super::setup::check_pattern;
use super::source::Source;
use super::suite::{Command, Deed, End, Step};
use crate::codes;
use crate::report::Report;
use crate::units::duration;

/// The most steps of a test.
// LIMIT: they are written by hand, or by a program that can write several tests.
const STEPS_LIMIT: usize = 10_000;
/// The most characters that a step types.
// LIMIT: a guest's terminal takes lines of at most 4095 bytes; longer texts go to a disk.
const TYPED_LIMIT: usize = 3500;

/// Reads the steps of a test.
///
/// `known` are the variables that there are before the first step.
pub fn read(source: &Source, fields: &Fields, known: Variables) -> Result<Vec<Step>, Report> {
    let Some(list) = fields.list("steps")? else {
        return Err(fields
            .complain(
                codes::TEST_STEP,
                "a test has no steps",
                "the key `steps` is lacking",
            )
            .help("steps = [ { wait = \"login:\" } ]"));
    };
    if list.is_empty() || list.len() > STEPS_LIMIT {
        return Err(fields
            .complain(
                codes::TEST_STEP,
                "a test has 1 to 10000 steps",
                &format!("it has {}", list.len()),
            )
            .help("steps = [ { wait = \"login:\" } ]"));
    }
    let mut reader = Reader {
        source,
        known,
        steps: Vec::new(),
    };
    for value in list {
        reader.step(value)?;
    }
    Ok(reader.steps)
}

struct Reader<'a> {
    source: &'a Source,
    /// The variables that there are, and those that the steps so far have saved, each with a
    /// stand-in for its value.
    known: Variables,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn step(&mut self, value: &Spanned<DeValue>) -> Result<(), Report> {
        let span = value.span();
        let ended = self.steps.last();
        if ended.is_some_and(|step| matches!(step.deed, Deed::End(_))) {
            let (message, fact) = ("a step stands behind `expect_end`", "the run is over there");
            return Err(self.fault(&span, message, fact, "make `expect_end` the last step"));
        }
        let (verb, more) = self.verb(value)?;
        let keys: [&'static [Key]; 2] = [std::slice::from_ref(verb), more];
        let what = format!("a `{}` step", verb.name);
        let fields = Fields::read(self.source, &what, &keys, value)?;
        let deed = match verb.name {
            "wait" => Deed::Wait(self.template(&fields, "wait", true)?),
            "expect" => Deed::Expect(self.template(&fields, "expect", true)?),
            "send" => self.send(&fields)?,
            "run" => self.run(&fields)?,
            "reset" => {
                fields.parsed("reset", |how| match how {
                    "hard" => Ok(()),
                    other => Err(format!("`{other}` is no kind of reset")),
                })?;
                Deed::Reset
            }
            _ => Deed::End(self.end(&fields)?),
        };
        let place = self.source.complain(codes::TEST_STEP, &span, "", "").place;
        self.steps.push(Step {
            deed,
            timeout_ns: match fields.has("timeout") {
                true => fields.parsed("timeout", duration)?,
                false => None,
            },
            place: place.unwrap_or_default().into(),
        });
        Ok(())
    }

    /// The verb of a step: the one key that says what is done.
    fn verb(&self, value: &Spanned<DeValue>) -> Result<&'static (Key, &'static [Key]), Report> {
        let span = value.span();
        let names: Vec<&'static str> = VERBS.iter().map(|(verb, _)| verb.name).collect();
        let help = format!("a step has one of: {}", names.join(", "));
        let DeValue::Table(table) = value.get_ref() else {
            let fact = format!("found: {}", value.get_ref().type_str());
            return Err(self.fault(&span, "a step is a table", &fact, "{ wait = \"login:\" }"));
        };
        let has = |name: &str| table.keys().any(|key| key.get_ref() == name);
        // `run` may have an `expect` beside it.
        let verbs = VERBS
            .iter()
            .filter(|(verb, _)| has(verb.name) && !(verb.name == "expect" && has("run")));
        let verbs: Vec<&'static (Key, &'static [Key])> = verbs.collect();
        match verbs.as_slice() {
            [verb] => Ok(verb),
            [] => {
                let near = table.keys().find_map(|key| {
                    let near = nearest(key.get_ref(), &names)?;
                    Some((key.span(), key.get_ref().clone(), near))
                });
                let (span, fact) = match near {
                    Some((span, found, near)) => {
                        (span, format!("`{found}`: did you mean `{near}`?"))
                    }
                    None => (span, "no key of it is a verb".to_owned()),
                };
                Err(self.fault(&span, "a step says nothing that can be done", &fact, &help))
            }
            [first, second, ..] => {
                let fact = format!("`{}` and `{}`", first.0.name, second.0.name);
                Err(self.fault(&span, "a step does two things", &fact, &help))
            }
        }
    }

    fn send(&self, fields: &Fields) -> Result<Deed, Report> {
        Ok(Deed::Send {
            text: self.typed(fields, "send")?,
            enter: fields.flag("enter", true)?,
        })
    }

    fn run(&mut self, fields: &Fields) -> Result<Deed, Report> {
        let line = self.typed(fields, "run")?;
        let at = fields.place("run");
        if line.text.trim().is_empty() || line.text.contains(['\n', '\r']) {
            let (message, fact) = ("a command is one line", "it is empty or has several");
            return Err(self.fault(&at, message, fact, "join commands with ; or &&"));
        }
        let expect = match fields.has("expect") {
            true => Some(self.template(fields, "expect", true)?),
            false => None,
        };
        let save = fields.text("save")?;
        if let Some(At { value, span }) = &save {
            if !is_name(value) {
                let fact = format!("found: {value:?}");
                let message = "this can not be the name of a variable";
                let help = "letters, digits and _, and no digit first";
                return Err(self
                    .source
                    .complain(codes::TEST_VARIABLE, span, message, fact)
                    .help(help));
            }
            self.known.insert(value.clone(), "x".to_owned());
        }
        Ok(Deed::Run(Command {
            line,
            expect,
            status: self.status(fields)?,
            save: save.map(|save| save.value),
        }))
    }

    fn status(&self, fields: &Fields) -> Result<Option<u64>, Report> {
        let Some(value) = fields.value("status") else {
            return Ok(Some(0));
        };
        match (value.get_ref().as_str(), whole(value.get_ref())) {
            (Some("any"), _) => Ok(None),
            (_, Some(number)) if number < 256 => Ok(Some(number)),
            _ => Err(fields.wrong("status", value, "neither 0 to 255 nor \"any\"")),
        }
    }

    fn end(&self, fields: &Fields) -> Result<End, Report> {
        let Some(value) = fields.value("expect_end") else {
            unreachable!("the verb was found by its key");
        };
        match (value.get_ref().as_str(), whole(value.get_ref())) {
            (Some("poweroff"), _) => Ok(End::PowerOff),
            (Some("reset"), _) => Ok(End::Reset),
            (Some("panic"), _) => Ok(End::Panic),
            (Some("hang"), _) => Ok(End::Hang),
            (_, Some(number)) if number <= 0xffff => Ok(End::Code(number)),
            (Some(word), _) => {
                let near = nearest(word, ENDS).map(|near| format!(", did you mean {near:?}?"));
                let found = format!("{word:?}{}", near.unwrap_or_default());
                Err(fields.wrong("expect_end", value, &found))
            }
            _ => Err(fields.wrong("expect_end", value, "no way to end")),
        }
    }

    /// Something that is looked for.
    fn template(&self, fields: &Fields, key: &str, looked_for: bool) -> Result<Template, Report> {
        let Some(text) = fields.text(key)? else {
            unreachable!("the verb was found by its key");
        };
        let regex = looked_for && fields.flag("regex", false)?;
        let template = Template {
            text: text.value,
            regex,
        };
        if looked_for {
            check_pattern(self.source, &template, &text.span, &self.known)?;
            let names = template.names();
            if let Some(name) = names.iter().find(|name| !self.known.contains_key(**name)) {
                let message = format!("no step before this one saves `{name}`");
                let fact = format!("found: {{{name}}}");
                return Err(self
                    .source
                    .complain(codes::TEST_VARIABLE, &text.span, message, fact)
                    .help(
                        "save = \"...\" in a `run` step; braces of the guest: regex, \\{ and \\}",
                    ));
            }
        }
        Ok(template)
    }

    /// Something that is typed.
    fn typed(&self, fields: &Fields, key: &str) -> Result<Template, Report> {
        let template = self.template(fields, key, false)?;
        if template.text.len() > TYPED_LIMIT {
            let fact = format!("it has {} bytes", template.text.len());
            let message = format!("at most {TYPED_LIMIT} bytes are typed in a step");
            let help = "put it on a disk, or into several steps";
            return Err(self.fault(&fields.place(key), &message, &fact, help));
        }
        Ok(template)
    }

    fn fault(&self, span: &Range<usize>, message: &str, fact: &str, help: &str) -> Report {
        let report = self.source.complain(codes::TEST_STEP, span, message, fact);
        report.help(help)
    }
}
