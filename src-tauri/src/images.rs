//! The protocol `airi-file`: attachments as images, by id, what was dropped for a draft, by ticket, and nothing else.
//!
//! The bytes decide what is shown, never a name or a type that an import or a server claims: PNG, JPEG, WebP and GIF of
//! at most 40 megapixels. Everything else is answered with 404, so it can only be saved.

use crate::library::Library;
use imagesize::ImageType;
use tauri::http::{Request, Response, StatusCode, header};

pub(crate) const SCHEME: &str = "airi-file";

/// Above this an image could exhaust the renderer's memory (160 MB decoded).
const MAX_PIXELS: u64 = 40_000_000;

/// No image of that many pixels is larger on disk in practice; more is not read into memory.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Answers one request. Blocking.
pub(crate) fn answer(library: &Library, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let name = named(request.uri().path());
    // Attachments never change: the id stands for these bytes for ever. A file outside is as it is when it is looked at.
    let kept = match name {
        Some(Named::Dropped(_)) => "no-store",
        _ => "private, max-age=86400, immutable",
    };
    let image = name.and_then(|name| read(library, name)).and_then(|bytes| {
        let mime = shown_inline(&bytes)?;
        Some((mime, bytes))
    });
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

/// What a request names.
#[derive(Debug, PartialEq)]
enum Named {
    Attachment(String),
    /// A file that was dropped and is not sent yet, by its ticket.
    Dropped(String),
}

/// `/<uuid>` or `/dropped/<uuid>`, and nothing more.
fn named(path: &str) -> Option<Named> {
    let path = path.strip_prefix('/')?;
    let (id, dropped) = path.strip_prefix("dropped/").map_or((path, false), |ticket| (ticket, true));
    let plain = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !plain {
        return None;
    }
    let id = id.to_ascii_lowercase();
    Some(if dropped { Named::Dropped(id) } else { Named::Attachment(id) })
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

/// The MIME type under which these bytes may be shown; `None` when they may not.
fn shown_inline(bytes: &[u8]) -> Option<&'static str> {
    let mime = match imagesize::image_type(bytes).ok()? {
        ImageType::Png => "image/png",
        ImageType::Jpeg => "image/jpeg",
        ImageType::Webp => "image/webp",
        ImageType::Gif => "image/gif",
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok()?;
    let pixels = u64::try_from(size.width).ok()?.checked_mul(u64::try_from(size.height).ok()?)?;
    (1..=MAX_PIXELS).contains(&pixels).then_some(mime)
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
        assert_eq!(shown_inline(&png(640, 480)), Some("image/png"));
        assert_eq!(shown_inline(&gif(8, 8)), Some("image/gif"));
    }

    #[test]
    fn a_picture_over_forty_megapixels_is_not_shown() {
        assert_eq!(shown_inline(&png(8000, 5000)), Some("image/png"));
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
        assert_eq!(named(&format!("/{id}")), Some(Named::Attachment(id.into())));
        assert_eq!(named(&format!("/dropped/{id}")), Some(Named::Dropped(id.into())));
        let bad = ["/{id}/x", "//{id}", "/{id}%00", "/dropped/../{id}", "/dropped//{id}", "/x/{id}", "/dropped/{id}/"];
        let bad = bad.map(|path| path.replace("{id}", id));
        for path in
            ["", "/", "/../x", "/0190c1de", "/dropped", "/dropped/"].into_iter().chain(bad.iter().map(String::as_str))
        {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
