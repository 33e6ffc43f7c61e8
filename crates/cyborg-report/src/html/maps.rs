//! Where the methods look on average, beside where people do.
use super::album::{heat_image, scale_image};
use super::parts;
use crate::block::Block;
use crate::digest::Digest;
use crate::escape::html;
use crate::number::count;
use crate::pictures::{AverageCam, Pictures};
use std::fmt::Write as _;

/// Average CAM of each class and source, and the average human map of each class.
pub(crate) fn section(digest: &Digest<'_>) -> String {
    let text = parts(digest, 1, |block| {
        let mut text = by_class(block);
        text.push_str(&by_source(block));
        text
    });
    if text.is_empty() {
        return text;
    }
    format!(
        "<p class=\"scale-bar\">0 {} 1</p>\n{text}<p class=\"note\">The CAM is that of the predicted class, brought to \
         0..1 by its own minimum and maximum, averaged over test images and then over seeds. The human map is the \
         average over the training images that have one. One colour scale for all.</p>\n",
        scale_image()
    )
}

/// A row a class: people first, then the methods beside them.
fn by_class(block: &Block<'_>) -> String {
    let with_people = block.pictures.iter().find(|pictures| !pictures.human.is_empty());
    let mut text =
        "<h3>By class</h3>\n<div class=\"scroll\"><table class=\"maps\"><thead><tr><td></td>".to_owned();
    if with_people.is_some() {
        text.push_str("<th scope=\"col\">people</th>");
    }
    for method in &block.methods {
        let _ = write!(text, "<th scope=\"col\" data-method=\"{m}\">{m}</th>", m = html(method));
    }
    text.push_str("</tr></thead><tbody>\n");
    for (label, class) in block.data.classes.iter().enumerate() {
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", html(class));
        if let Some(pictures) = with_people {
            people_cell(&mut text, pictures, class);
        }
        for (method, pictures) in block.methods.iter().zip(&block.pictures) {
            let cam = pictures.class_cams.get(label);
            let alt = format!("average CAM of {method} on images of class {class}");
            let _ = write!(
                text,
                "<td data-method=\"{}\">{}</td>",
                html(method),
                cam_picture(pictures, cam, &alt)
            );
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn people_cell(text: &mut String, pictures: &Pictures, class: &str) {
    match pictures.human.get(class).filter(|human| human.count > 0) {
        Some(human) => {
            let mean: Vec<f64> = human.mean.iter().map(|&value| f64::from(value)).collect();
            let picture = heat_image(&mean, pictures.grid, &format!("average human map of class {class}"));
            let maps = count(usize::try_from(human.count).unwrap_or(usize::MAX), "map");
            let _ = write!(text, "<td>{picture}<small>{maps}</small></td>");
        }
        None => text.push_str("<td><span class=\"gap\">no map</span></td>"),
    }
}

fn by_source(block: &Block<'_>) -> String {
    let mut sources: Vec<&str> = Vec::new();
    for (source, _) in block.pictures.iter().flat_map(|pictures| &pictures.source_cams) {
        if !sources.contains(&source.as_str()) {
            sources.push(source);
        }
    }
    let mut text =
        "<h3>By source</h3>\n<div class=\"scroll\"><table class=\"maps\"><thead><tr><td></td>".to_owned();
    for source in &sources {
        let _ = write!(text, "<th scope=\"col\" data-source=\"{s}\">{s}</th>", s = html(source));
    }
    text.push_str("</tr></thead><tbody>\n");
    for (method, pictures) in block.methods.iter().zip(&block.pictures) {
        let _ = write!(text, "<tr data-method=\"{m}\"><th scope=\"row\">{m}</th>", m = html(method));
        for source in &sources {
            let cam = pictures.source_cams.iter().find(|(name, _)| name == source).map(|(_, cam)| cam);
            let alt = format!("average CAM of {method} on {source}");
            let _ = write!(
                text,
                "<td data-source=\"{}\">{}</td>",
                html(source),
                cam_picture(pictures, cam, &alt)
            );
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn cam_picture(pictures: &Pictures, cam: Option<&AverageCam>, alt: &str) -> String {
    let Some((cam, mean)) = cam.and_then(|cam| Some((cam, cam.mean()?))) else {
        return "<span class=\"gap\">no image</span>".to_owned();
    };
    let images = count(usize::try_from(cam.n_images).unwrap_or(usize::MAX), "image");
    format!("{}<small>{images}</small>", heat_image(&mean, pictures.grid, alt))
}
