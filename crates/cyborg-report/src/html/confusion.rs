//! Which class was taken for which, a table a method.
use super::{filter_attributes, heading, parts};
use crate::digest::Digest;
use crate::escape::html;
use std::fmt::Write as _;

/// Classes beyond which a page is no place for the table; the files have it.
const MOST_CLASSES: usize = 30;

/// A table for each method of each block.
pub(crate) fn section(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let classes = &block.data.classes;
        if classes.len() > MOST_CLASSES {
            return String::new();
        }
        let mut text = String::new();
        for (method, pictures) in block.methods.iter().zip(&block.pictures) {
            if pictures.confusion.n.is_empty() {
                continue;
            }
            let title =
                html(&format!("{method}: true class (rows) and predicted class; {}", heading(digest, block)));
            let _ = write!(
                text,
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\" data-method=\"{}\" {}>\
                 <table class=\"dense\"><caption>{title}</caption><thead><tr><td></td>",
                html(method),
                filter_attributes(block)
            );
            for class in classes {
                let _ = write!(text, "<th scope=\"col\" class=\"number\">{}</th>", html(class));
            }
            text.push_str("</tr></thead><tbody>\n");
            for (label, class) in classes.iter().enumerate() {
                let Some(shares) = pictures.confusion.shares(label) else { continue };
                let _ = write!(text, "<tr><th scope=\"row\">{}</th>", html(class));
                for (share, n) in shares.iter().zip(&pictures.confusion.n[label]) {
                    let _ = write!(text, "<td class=\"number\">{:.1} % ({n})</td>", 100.0 * share);
                }
                text.push_str("</tr>\n");
            }
            text.push_str("</tbody></table></div>\n");
        }
        text
    });
    if text.is_empty() {
        return text;
    }
    format!(
        "{text}<p class=\"note\">Share of the images of each true class, and their number, all test images and seeds \
         together; the predicted class is that of the largest logit. The same as <a href=\"confusion.csv\">\
         confusion.csv</a>.</p>\n"
    )
}
