//! The protocol `airi-file`: attachments as images, by id, what was dropped for a draft, by ticket, and nothing else.
//!
//! The bytes decide what is shown, never a name or a type that an import or a server claims: PNG, JPEG, WebP and GIF of
//! at most 40 megapixels. Everything else is answered with 404, so it can only be saved. Under `small/` a picture is no larger
//! than it is looked at in a thread; what moves is always whole.

use crate::library::Library;
use crate::thumbnails;
use imagesize::ImageType;
use tauri::http::{Request, Response, StatusCode, header};

pub(crate) const SCHEME: &str = "airi-file";

/// Above this an image could exhaust the renderer's memory (160 MB decoded).
const MAX_PIXELS: u64 = 40_000_000;

/// No image of that many pixels is larger on disk in practice; more is not read into memory.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Answers one request. Blocking.
pub(crate) fn answer(library: &Library, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let asked = named(request.uri().path());
    // Attachments never change: the id stands for these bytes for ever. A file outside is as it is when it is looked at.
    let kept = match asked {
        Some((_, Named::Dropped(_))) => "no-store",
        _ => "private, max-age=86400, immutable",
    };
    let image = asked.and_then(|(size, name)| shown(read(library, name)?, size));
    let response = Response::builder()
        .header("X-Content-Type-Options", "nosniff")
        .header("Content-Security-Policy", "default-src 'none'; sandbox")
        .header("Cross-Origin-Resource-Policy", "same-site");
    match image {
        Some((mime, bytes)) => {
            response.header(header::CONTENT_TYPE, mime).header(header::CACHE_CONTROL, kept).body(bytes)
        }
        None => response.status(StatusCode::NOT_FOUND).body(Vec::new()),
    }
    .unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Size {
    Whole,
    Small,
}

/// What a request names.
#[derive(Debug, PartialEq)]
enum Named {
    Attachment(String),
    /// A file that was dropped and is not sent yet, by its ticket.
    Dropped(String),
}

/// `/<uuid>` or `/dropped/<uuid>`, each also behind `/small`, and nothing more.
fn named(path: &str) -> Option<(Size, Named)> {
    let (path, size) = path.strip_prefix("/small").map_or((path, Size::Whole), |path| (path, Size::Small));
    let path = path.strip_prefix('/')?;
    let (id, dropped) = path.strip_prefix("dropped/").map_or((path, false), |ticket| (ticket, true));
    let plain = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !plain {
        return None;
    }
    let id = id.to_ascii_lowercase();
    Some((size, if dropped { Named::Dropped(id) } else { Named::Attachment(id) }))
}

fn read(library: &Library, name: Named) -> Option<Vec<u8>> {
    let app = library.app().ok()?;
    let path = match name {
        Named::Dropped(ticket) => app.dropped_file(&ticket).ok()?,
        Named::Attachment(id) => {
            let (attachment, path) = app.attachment(&id).ok()?;
            let path = path?;
            app.attachment_opened(&attachment);
            path
        }
    };
    let size = std::fs::metadata(&path).ok()?.len();
    if size > MAX_BYTES {
        return None;
    }
    std::fs::read(path).ok()
}

/// What is answered for these bytes, and its MIME type; `None` when they may not be shown.
fn shown(bytes: Vec<u8>, size: Size) -> Option<(&'static str, Vec<u8>)> {
    let (mime, longest) = shown_inline(&bytes)?;
    if size == Size::Small && longest > u64::from(thumbnails::SIDE) && !may_move(&bytes, mime) {
        // What the web view may still make something of is left to it, also when the decoder gives up over it.
        if let Ok(Ok(small)) = std::panic::catch_unwind(|| thumbnails::small(&bytes)) {
            return Some(small);
        }
    }
    Some((mime, bytes))
}

/// Whether a picture is, or may be, an animation: its first chunks say so, in APNG before the picture's own data.
fn may_move(bytes: &[u8], mime: &str) -> bool {
    let start = &bytes[..bytes.len().min(64 * 1024)];
    let says = |chunk: &[u8; 4]| start.windows(4).any(|four| four == chunk);
    match mime {
        "image/gif" => true,
        "image/webp" => says(b"ANIM"),
        "image/png" => says(b"acTL"),
        _ => false,
    }
}

/// The MIME type under which these bytes may be shown, and the longer side in pixels; `None` when they may not.
fn shown_inline(bytes: &[u8]) -> Option<(&'static str, u64)> {
    let mime = match imagesize::image_type(bytes).ok()? {
        ImageType::Png => "image/png",
        ImageType::Jpeg => "image/jpeg",
        ImageType::Webp => "image/webp",
        ImageType::Gif => "image/gif",
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok()?;
    let (width, height) = (u64::try_from(size.width).ok()?, u64::try_from(size.height).ok()?);
    let pixels = width.checked_mul(height)?;
    (1..=MAX_PIXELS).contains(&pixels).then_some((mime, width.max(height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of a PNG with these dimensions: signature and IHDR.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend([0; 8]);
        bytes
    }

    #[test]
    fn pictures_are_told_by_their_bytes() {
        assert_eq!(shown_inline(&png(640, 480)), Some(("image/png", 640)));
        assert_eq!(shown_inline(&gif(8, 80)), Some(("image/gif", 80)));
    }

    #[test]
    fn small_is_made_only_of_what_is_large_and_stands_still() {
        let encoded = |width, height| thumbnails::tests::png(image::RgbImage::new(width, height));
        let (large, fits) = (encoded(961, 10), encoded(960, 960));
        assert_eq!(shown(large.clone(), Size::Whole), Some(("image/png", large.clone())));
        assert_eq!(shown(large, Size::Small).unwrap().0, "image/jpeg");
        assert_eq!(shown(fits.clone(), Size::Small), Some(("image/png", fits)));
        assert_eq!(shown(gif(2000, 2000), Size::Small), Some(("image/gif", gif(2000, 2000))));
        let mut moving = encoded(961, 10);
        moving.splice(33..33, *b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0\xf3\x8d\x93\x70");
        assert_eq!(shown(moving.clone(), Size::Small), Some(("image/png", moving)));
        assert!(may_move(&gif(2000, 2000), "image/gif") && !may_move(&encoded(961, 10), "image/png"));
        assert!(
            may_move(b"RIFF....WEBPVP8X..........ANIM", "image/webp") && !may_move(b"RIFF....WEBPVP8 ", "image/webp")
        );
        // Cut off: as it is, for the web view shows what there is of it.
        assert_eq!(shown(png(2000, 2000), Size::Small), Some(("image/png", png(2000, 2000))));
        assert_eq!(shown(png(8000, 8000), Size::Small), None);
    }

    #[test]
    fn a_picture_over_forty_megapixels_is_not_shown() {
        assert_eq!(shown_inline(&png(8000, 5000)), Some(("image/png", 8000)));
        assert_eq!(shown_inline(&png(8000, 5001)), None);
        assert_eq!(shown_inline(&png(u32::MAX, u32::MAX)), None);
        assert_eq!(shown_inline(&png(0, 10)), None);
    }

    #[test]
    fn documents_that_can_run_are_never_shown() {
        for bytes in [
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"><script/></svg>"[..],
            b"<!doctype html><script>alert(1)</script>",
            b"%PDF-1.7",
            b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0",
            b"",
            b"\x89PNG",
        ] {
            assert_eq!(shown_inline(bytes), None);
        }
    }

    #[test]
    fn only_an_id_is_a_path() {
        let id = "0190c1de-0000-7000-8000-0123456789ab";
        assert_eq!(named(&format!("/{id}")), Some((Size::Whole, Named::Attachment(id.into()))));
        assert_eq!(named(&format!("/small/{id}")), Some((Size::Small, Named::Attachment(id.into()))));
        assert_eq!(named(&format!("/dropped/{id}")), Some((Size::Whole, Named::Dropped(id.into()))));
        assert_eq!(named(&format!("/small/dropped/{id}")), Some((Size::Small, Named::Dropped(id.into()))));
        let bad = [
            "/{id}/x",
            "//{id}",
            "/{id}%00",
            "/dropped/../{id}",
            "/dropped//{id}",
            "/x/{id}",
            "/dropped/{id}/",
            "/small{id}",
            "/small//{id}",
            "/small/small/{id}",
            "/dropped/small/{id}",
        ];
        let bad = bad.map(|path| path.replace("{id}", id));
        for path in
            ["", "/", "/../x", "/0190c1de", "/dropped", "/dropped/"].into_iter().chain(bad.iter().map(String::as_str))
        {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
