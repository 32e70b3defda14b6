//! Small forms of pictures, for threads and galleries: a photograph of twelve megapixels decoded whole takes 48 MB, four bytes a
//! pixel, and a gallery shows dozens.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageReader, Limits};
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

/// The longest side, in pixels. A wide picture in a thread is drawn 736 wide, so that on a screen of twice the usual density it is
/// stretched by half; a click shows it whole.
pub(crate) const SIDE: u32 = 960;

/// 40 megapixels of the widest kind, eight bytes each.
const MAX_DECODED: u64 = 40_000_000 * 8;

const JPEG_QUALITY: u8 = 82;

/// One picture at a time is decoded, so that of all that wait only one takes the memory of its pixels; their files are held meanwhile.
static ONE: Mutex<()> = Mutex::new(());

/// A picture as JPEG, or as PNG where something shines through, and its MIME type; turned as its camera was held, in its own
/// colour space. Blocking.
///
/// # Errors
/// When the bytes are damaged, or of a kind that is not understood.
pub(crate) fn small(bytes: &[u8]) -> Result<(&'static str, Vec<u8>), ImageError> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // The decoders of JPEG and WebP bound nothing by themselves, and what a header says elsewhere need not be what they read.
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // What is written is RGB, so a profile of greys or inks would be wrong; one that is huge is none.
    let colours = decoder.icc_profile().unwrap_or(None);
    let colours = colours.filter(|profile| profile.len() < 1 << 20 && profile.get(16..20) == Some(b"RGB ".as_slice()));
    let whole = DynamicImage::from_decoder(decoder)?;
    let mut picture = shrunk(whole);
    picture.apply_orientation(orientation);

    let mut out = Vec::new();
    // Without its colour space, which an encoder may not take, a picture is shown as sRGB.
    if picture.color().has_alpha() {
        let mut encoder = PngEncoder::new(&mut out);
        let _ = colours.map(|colours| encoder.set_icc_profile(colours));
        picture.into_rgba8().write_with_encoder(encoder)?;
        return Ok(("image/png", out));
    }
    let mut encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
    let _ = colours.map(|colours| encoder.set_icc_profile(colours));
    picture.into_rgb8().write_with_encoder(encoder)?;
    Ok(("image/jpeg", out))
}

/// A whole photograph first by the coarse filter, which looks at each of its pixels once. What fits is left as it is.
fn shrunk(picture: DynamicImage) -> DynamicImage {
    let fine = |picture: &DynamicImage| picture.resize(SIDE, SIDE, FilterType::CatmullRom);
    match picture.width().max(picture.height()) {
        ..=SIDE => picture,
        side if side > SIDE * 2 => fine(&picture.thumbnail(SIDE * 2, SIDE * 2)),
        _ => fine(&picture),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    pub(crate) fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.into().write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    fn read(bytes: &[u8]) -> DynamicImage {
        image::load_from_memory(bytes).unwrap()
    }

    #[test]
    fn a_photograph_becomes_a_small_jpeg_of_its_shape() {
        let photograph =
            RgbImage::from_fn(2400, 1200, |x, _| if x < 1200 { Rgb([250, 10, 10]) } else { Rgb([10, 10, 250]) });
        let (mime, bytes) = small(&png(photograph)).unwrap();
        let seen = read(&bytes).into_rgb8();
        assert_eq!((mime, seen.dimensions()), ("image/jpeg", (960, 480)));
        let (left, right) = (seen.get_pixel(100, 240), seen.get_pixel(860, 240));
        assert!(left[0] > 200 && left[2] < 60 && right[0] < 60 && right[2] > 200, "{left:?} {right:?}");
    }

    #[test]
    fn what_shines_through_stays_so() {
        let drawing = RgbaImage::from_fn(1000, 4000, |_, y| Rgba([0, 120, 0, if y < 2000 { 0 } else { 255 }]));
        let (mime, bytes) = small(&png(drawing)).unwrap();
        let seen = read(&bytes).into_rgba8();
        assert_eq!((mime, seen.dimensions()), ("image/png", (240, 960)));
        assert_eq!((seen.get_pixel(120, 100)[3], seen.get_pixel(120, 900)[3]), (0, 255));
    }

    #[test]
    fn a_picture_is_turned_as_its_camera_was_held() {
        // Little-endian TIFF with one entry: orientation (0x0112), a short, 6 = a quarter turn clockwise.
        let held = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new(&mut bytes);
        encoder.set_exif_metadata(held).unwrap();
        RgbImage::from_fn(2000, 1000, |x, _| if x < 1000 { Rgb([255, 255, 255]) } else { Rgb([0, 0, 0]) })
            .write_with_encoder(encoder)
            .unwrap();
        let seen = read(&small(&bytes).unwrap().1).into_rgb8();
        assert_eq!(seen.dimensions(), (480, 960));
        // What was left is on top.
        assert!(seen.get_pixel(240, 100)[0] > 240 && seen.get_pixel(240, 860)[0] < 15);
    }

    #[test]
    fn a_jpeg_that_claims_more_than_fits_is_refused_before_it_is_decoded() {
        let mut bytes = Vec::new();
        RgbImage::new(16, 16).write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        let frame = bytes.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].fill(0xff);
        assert!(matches!(small(&bytes), Err(ImageError::Limits(_))), "{:?}", small(&bytes).map(|(mime, _)| mime));
    }

    #[test]
    fn what_is_cut_off_or_no_picture_is_an_error() {
        let whole = png(RgbImage::new(1500, 1500));
        assert!(small(&whole[..whole.len() / 2]).is_err());
        assert!(small(b"\x89PNG\r\n\x1a\n").is_err());
        assert!(small(b"GIF89a").is_err());
    }
}
