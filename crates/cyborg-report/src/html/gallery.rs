//! Test images with the CAM laid over them: what a method got right and wrong, and the same images for all methods.
use super::album::Album;
use super::parts;
use crate::block::Block;
use crate::digest::Digest;
use crate::escape::html;
use crate::number::value;
use crate::pictures::{Gallery, Pictures, Shot};
use std::fmt::Write as _;

/// The gallery of every block.
pub(crate) fn section(digest: &Digest<'_>, album: &mut Album) -> String {
    let text = parts(digest, 1, |block| {
        if block.pictures.iter().all(|pictures| pictures.gallery.is_none()) {
            return String::new();
        }
        let mut text = first_images(block, album);
        for (method, pictures) in block.methods.iter().zip(&block.pictures) {
            if let Some(gallery) = &pictures.gallery {
                let _ = writeln!(text, "<div data-method=\"{}\">", html(method));
                let context = |what| (method.as_str(), what, gallery, pictures);
                row(&mut text, block, album, context("wrong, by the largest margin"), &gallery.worst);
                row(&mut text, block, album, context("right, by the largest margin"), &gallery.best);
                text.push_str("</div>\n");
            }
        }
        text
    });
    if text.is_empty() {
        return text;
    }
    let missing = match album.n_missing {
        0 => String::new(),
        1 => " One image or map could not be read and is left out.".to_owned(),
        n => format!(" {n} images or maps could not be read and are left out."),
    };
    format!(
        "<p class=\"controls\"><label class=\"toggle\"><input type=\"checkbox\" id=\"overlay\" checked> CAM and human map \
         over the image</label> <label class=\"toggle\" id=\"order\" hidden>order <select><option value=\"\">by error</option>\
         <option value=\"score\">by score</option><option value=\"source\">by source</option></select></label></p>\n{text}<p class=\"note\">From the first seed that has a result. The margin is the logit of \
         the true class minus the largest other logit. CAMs and maps are smoothed for display.{missing}</p>\n"
    )
}

/// The first test image of each source with every method's CAM: chosen by no outcome.
fn first_images(block: &Block<'_>, album: &mut Album) -> String {
    let Some(gallery) = block.pictures.iter().find_map(|pictures| pictures.gallery.as_ref()) else {
        return String::new();
    };
    let mut text = "<h3>The first test image of each source, every method</h3>\n<div class=\"scroll\">\
                    <table class=\"shots\"><thead><tr><td></td>"
        .to_owned();
    for shot in &gallery.first {
        let _ = write!(text, "<th scope=\"col\" data-source=\"{s}\">{s}</th>", s = html(&shot.source));
    }
    text.push_str("</tr></thead><tbody>\n");
    let mut people = String::new();
    let mut has_map = false;
    for shot in &gallery.first {
        let picture = with_map(block, album, shot, &format!("human map of {}", shot.image));
        has_map |= picture.is_some();
        let cell = picture.as_deref().unwrap_or("<span class=\"gap\">no map</span>");
        let _ = write!(people, "<td data-source=\"{}\">{cell}</td>", html(&shot.source));
    }
    if has_map {
        let _ = writeln!(text, "<tr><th scope=\"row\">people</th>{people}</tr>");
    }
    for (method, pictures) in block.methods.iter().zip(&block.pictures) {
        let Some(of_method) = &pictures.gallery else { continue };
        let _ = write!(text, "<tr data-method=\"{m}\"><th scope=\"row\">{m}</th>", m = html(method));
        for first in &gallery.first {
            let shot = of_method.first.iter().find(|shot| shot.image == first.image);
            let _ = write!(text, "<td data-source=\"{}\">", html(&first.source));
            match shot.and_then(|shot| Some((shot, with_cam(block, album, shot, method, pictures.grid)?))) {
                Some((shot, picture)) => {
                    let _ = write!(text, "{picture}<small>{}</small>", outcome(block, shot));
                }
                None => text.push_str("<span class=\"gap\">no image</span>"),
            }
            text.push_str("</td>");
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn row(
    text: &mut String,
    block: &Block<'_>,
    album: &mut Album,
    (method, what, gallery, pictures): (&str, &str, &Gallery, &Pictures),
    shots: &[Shot],
) {
    let _ = writeln!(text, "<h3>{}: {what} <small>seed {}</small></h3>", html(method), gallery.seed);
    if shots.is_empty() {
        text.push_str("<p class=\"note\">No such image.</p>\n");
        return;
    }
    text.push_str("<div class=\"cards\">\n");
    for shot in shots {
        let _ = write!(
            text,
            "<figure class=\"card\" data-source=\"{}\" data-score=\"{}\" data-margin=\"{}\">",
            html(&shot.source),
            shot.score,
            shot.margin
        );
        text.push_str("<div>");
        match with_cam(block, album, shot, method, pictures.grid) {
            Some(picture) => text.push_str(&picture),
            None => text.push_str("<span class=\"gap\">no image</span>"),
        }
        if let Some(picture) = with_map(block, album, shot, &format!("human map of {}", shot.image)) {
            text.push_str(&picture);
        }
        let short = shot.image.rsplit('/').next().unwrap_or(&shot.image);
        let _ = writeln!(
            text,
            "</div><figcaption><b>{}</b> {}<br>{}<br><span class=\"id\" title=\"{}\">{}</span></figcaption></figure>",
            html(&shot.source),
            html(class(block, shot.label)),
            outcome(block, shot),
            html(&shot.image),
            html(short)
        );
    }
    text.push_str("</div>\n");
}

/// What was predicted, and the score of the positive class.
fn outcome(block: &Block<'_>, shot: &Shot) -> String {
    let (class_of, mark) = if shot.predicted == shot.label { ("right", "✓") } else { ("wrong", "✗") };
    format!(
        "<span class=\"{class_of}\">{mark} {}</span><br>score {}",
        html(class(block, shot.predicted)),
        value(Some(shot.score))
    )
}

fn class<'a>(block: &'a Block<'_>, label: u32) -> &'a str {
    block.data.classes.get(label as usize).map_or("?", String::as_str)
}

fn with_cam(block: &Block<'_>, album: &mut Album, shot: &Shot, method: &str, grid: usize) -> Option<String> {
    let path = block.data.images.get(&shot.image)?;
    let alt = format!(
        "{}, {}: CAM of {method}, margin {}",
        shot.image,
        class(block, shot.label),
        value(Some(shot.margin))
    );
    album.image_with_cam(path, &shot.cam, grid, &alt)
}

fn with_map(block: &Block<'_>, album: &mut Album, shot: &Shot, alt: &str) -> Option<String> {
    album.image_with_map(block.data.images.get(&shot.image)?, block.data.maps.get(&shot.image)?, alt)
}
