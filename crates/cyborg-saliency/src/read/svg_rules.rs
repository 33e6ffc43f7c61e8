//! The rules of an SVG document's `<style>` elements.

use super::table::shortened;

/// Rules whose selector is a name, an id and classes (`rect`, `.moved`, `path.ink`, `#eye`, `*`), in the order in which they
/// count: the more specific later.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    selector: Selector,
    declarations: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Selector {
    name: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
}

/// Properties that say where paint is.
const RELEVANT: [&str; 17] = [
    "fill",
    "stroke",
    "stroke-width",
    "fill-rule",
    "fill-opacity",
    "stroke-opacity",
    "opacity",
    "visibility",
    "display",
    "mask",
    "clip-path",
    "mask-image",
    "transform",
    "transform-origin",
    "translate",
    "rotate",
    "scale",
];

impl Rules {
    /// Adds the text of a `<style>`. Returns the selectors of rules that say where paint is and cannot be followed.
    pub(super) fn add(&mut self, text: &str) -> Vec<String> {
        let mut refused = Vec::new();
        for rule in without_comments(text).split('}') {
            let Some((selectors, body)) = rule.split_once('{') else { continue };
            let found: Vec<(String, String)> = declarations(body)
                .filter(|(name, _)| RELEVANT.contains(name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            // `@media print { .a {` has a brace more.
            if found.is_empty() && !body.contains('{') {
                continue;
            }
            for selector in selectors.split(',').map(str::trim) {
                match Selector::parse(selector).filter(|_| !body.contains('{')) {
                    Some(selector) => self.0.push(Rule { selector, declarations: found.clone() }),
                    None => refused.push(shortened(selector)),
                }
            }
        }
        // Stable: of equal weight the later one counts.
        self.0.sort_by_key(|rule| rule.selector.weight());
        refused
    }

    /// The declarations for an element, those that count more later.
    pub(super) fn of<'a>(
        &'a self,
        node: &roxmltree::Node<'_, '_>,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let rules: Vec<&Rule> = self.0.iter().filter(|rule| rule.selector.fits(node)).collect();
        rules
            .into_iter()
            .flat_map(|rule| &rule.declarations)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Selector {
    /// `None` for what needs an element's surroundings: `g path`, `g > path`, `path:hover`, `[id]`.
    fn parse(text: &str) -> Option<Self> {
        let mut selector = Self::default();
        let mut rest = text.strip_prefix('*').unwrap_or(text);
        if text.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let kind = rest.chars().next().filter(|kind| matches!(kind, '.' | '#'));
            let body = if kind.is_some() { &rest[1..] } else { rest };
            let end = body.find(['.', '#']).unwrap_or(body.len());
            let word = &body[..end];
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            if word.is_empty() || !word.chars().all(is_word) {
                return None;
            }
            match kind {
                Some('.') => selector.classes.push(word.to_owned()),
                Some(_) => selector.id = Some(word.to_owned()),
                None => selector.name = Some(word.to_owned()),
            }
            rest = &body[end..];
        }
        Some(selector)
    }

    fn weight(&self) -> (usize, usize, usize) {
        (usize::from(self.id.is_some()), self.classes.len(), usize::from(self.name.is_some()))
    }

    fn fits(&self, node: &roxmltree::Node<'_, '_>) -> bool {
        let has_class = |class: &String| {
            node.attribute("class").is_some_and(|all| all.split_ascii_whitespace().any(|one| one == class))
        };
        self.name.as_ref().is_none_or(|name| node.tag_name().name() == name)
            && self.id.as_ref().is_none_or(|id| node.attribute("id") == Some(id))
            && self.classes.iter().all(has_class)
    }
}

/// `fill: red; stroke: none` apart.
pub(super) fn declarations(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|part| part.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
}

fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        plain.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    plain.push_str(rest);
    plain
}
