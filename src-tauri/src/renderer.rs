//! WebKitGTK's DMA-BUF renderer shows blank windows on KDE and with NVIDIA's driver, so it is off unless the user turns
//! it on. WebKit reads the variable from the environment of the process; setting it there is unsafe in a process that
//! may have threads, so the program starts itself anew, before anything else runs.

/// Set to `0` by users who want the DMA-BUF renderer.
#[cfg(target_os = "linux")]
const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Replaces this process by one with the renderer off. Comes back at once when the variable is already set.
///
/// # Errors
/// When the program cannot be started anew; going on without is fine on most machines.
#[cfg(target_os = "linux")]
pub fn without_dmabuf_renderer() -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;

    if std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    Err(command.args(arguments).env(VARIABLE, "1").exec())
}

/// Nothing to do where the page is not drawn by WebKitGTK.
///
/// # Errors
/// None here.
#[cfg(not(target_os = "linux"))]
pub fn without_dmabuf_renderer() -> std::io::Result<()> {
    Ok(())
}
