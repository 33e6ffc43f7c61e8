//! What the page rests on: data, definitions, settings, environment.
use crate::digest::Digest;
use crate::escape::{clean, html};
use crate::words::definitions;
use cyborg_eval::{METRIC_INFO, QUESTIONS};
use std::fmt::Write as _;

/// Facts about each data set.
pub(crate) fn data(digest: &Digest<'_>) -> String {
    let mut text = String::new();
    for data in &digest.input.data {
        let badge = if data.phantom { " <span class=\"badge phantom\">phantom</span>" } else { "" };
        let _ =
            write!(text, "<h3>{} <small>{}</small>{badge}</h3>\n<ul>", html(&data.title), html(&data.name));
        let positive = data.classes.get(data.plan.positive as usize).map_or("?", String::as_str);
        let _ = write!(
            text,
            "<li>classes: {}; positive: {}</li>",
            html(&data.classes.join(", ")),
            html(positive)
        );
        for fact in &data.facts {
            let _ = write!(text, "<li>{}</li>", html(fact));
        }
        for (source, negatives) in &data.plan.pairs {
            let _ =
                write!(text, "<li>{} is tested against {}</li>", html(source), html(&negatives.join(", ")));
        }
        text.push_str("</ul>\n");
    }
    text
}

/// How each number is defined.
pub(crate) fn numbers(scores_only: bool) -> String {
    let mut text = "<dl>\n".to_owned();
    for (term, meaning) in definitions(scores_only) {
        let _ = writeln!(text, "<dt>{}</dt><dd>{}</dd>", html(term), html(meaning));
    }
    text.push_str("</dl>\n");
    text.push_str("<h3>Metrics</h3>\n<dl>\n");
    for metric in METRIC_INFO {
        let better = if metric.lower_is_better { "less is better" } else { "more is better" };
        let _ =
            writeln!(text, "<dt>{}</dt><dd>{} ({better}).</dd>", html(metric.title), html(metric.definition));
    }
    text.push_str("</dl>\n<h3 id=\"questions\">Which question each interval and test answers</h3>\n<dl>\n");
    for question in QUESTIONS {
        let _ = writeln!(
            text,
            "<dt>{}</dt><dd>{} <br><span class=\"silent\">Says nothing about: {}</span></dd>",
            html(question.name),
            html(question.answers),
            html(question.silent_on)
        );
    }
    text.push_str("</dl>\n");
    text
}

/// Command, settings, environment.
pub(crate) fn again(digest: &Digest<'_>) -> String {
    let input = digest.input;
    let mut text = format!(
        "<pre class=\"command\" tabindex=\"0\" role=\"region\" aria-label=\"command\"><code>{}</code></pre>\n",
        html(&input.command)
    );
    if !input.environment.is_empty() {
        text.push_str("<div class=\"scroll\"><table class=\"plain\"><tbody>\n");
        for (name, value) in &input.environment {
            let _ = writeln!(text, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", html(name), html(value));
        }
        text.push_str("</tbody></table></div>\n");
    }
    let yaml = clean(&input.resolved_yaml);
    let _ = writeln!(
        text,
        "<details><summary>The experiment with every default written out (YAML)</summary>\
         <pre tabindex=\"0\" role=\"region\" aria-label=\"settings\"><code>{}</code></pre></details>",
        html(yaml.trim_end())
    );
    text
}
