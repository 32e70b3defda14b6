//! WebKitGTK's DMA-BUF renderer shows blank windows on KDE and with NVIDIA's driver, so it is off unless the user turns
//! it on. WebKit reads the variable from the environment of the process. Setting it is sound only while the process has
//! one thread, so it is the first thing that `main` does; starting the program anew with it took 60 to 100 ms more.

/// Set to `0` by users who want the DMA-BUF renderer.
#[cfg(target_os = "linux")]
const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Turns the renderer off unless the user has decided. Only to be called before the process has a second thread.
///
/// # Errors
/// When the variable cannot be set; going on without is fine on most machines.
#[cfg(target_os = "linux")]
pub fn without_dmabuf_renderer() -> Result<(), String> {
    glib::setenv(VARIABLE, "1", false).map_err(|error| error.to_string())
}

/// Nothing to do where the page is not drawn by WebKitGTK.
///
/// # Errors
/// None here.
#[cfg(not(target_os = "linux"))]
pub fn without_dmabuf_renderer() -> Result<(), String> {
    Ok(())
}
