//! Scripts that run in the page, and what they answer.

use crate::window::Window;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Milliseconds between frames while an element is scrolled by so many pixels a frame.
const SCROLLING: &str = "
    const [selector, step, frames, done] = arguments;
    const element = selector === '' ? document.scrollingElement : document.querySelector(selector);
    const times = [];
    let last = null;
    const frame = (now) => {
      if (last !== null) times.push(now - last);
      last = now;
      element.scrollTop += step;
      if (times.length < frames) requestAnimationFrame(frame);
      else done(times);
    };
    requestAnimationFrame(frame);";

pub(crate) async fn scrolling(window: &Window, selector: &str, step: i32, frames: usize) -> Vec<f64> {
    numbers(later(window, SCROLLING, vec![json!(selector), json!(step), json!(frames)]).await)
}

/// Begins to note the milliseconds between frames; `frames` answers them.
pub(crate) async fn watch_frames(window: &Window) {
    let script = "
        const times = (window.frameTimes = []);
        let last = null;
        const frame = (now) => {
          if (last !== null) times.push(now - last);
          last = now;
          if (window.frameTimes === times) requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);";
    window.js(script, vec![]).await;
}

pub(crate) async fn frames(window: &Window) -> Vec<f64> {
    numbers(window.js("const times = window.frameTimes; window.frameTimes = null; return times", vec![]).await)
}

/// Milliseconds since 1970 at which the page marked its first list.
pub(crate) async fn first_list(window: &Window) -> f64 {
    let script = "const mark = performance.getEntriesByName('list')[0]; \
                  return mark === undefined ? null : performance.timeOrigin + mark.startTime";
    let begun = Instant::now();
    loop {
        if let Some(at) = window.js(script, vec![]).await.as_f64() {
            return at;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the page never marks its first list");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn nodes(window: &Window) -> u64 {
    window.js("return document.querySelectorAll('*').length", vec![]).await.as_u64().expect("a number")
}

/// Types letter by letter into the search field; milliseconds from each letter to the frame that shows its rows.
const TYPING: &str = "
    const [word, done] = arguments;
    const field = document.querySelector('[data-testid=search-input]');
    const rows = () => [...document.querySelectorAll('[data-testid=search-hit]')].map((row) => row.textContent).join();
    const times = [];
    let at = 0;
    const letter = () => {
      if (at === word.length) return done(times);
      at += 1;
      const before = rows();
      const begun = performance.now();
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, word.slice(0, at));
      field.dispatchEvent(new Event('input', { bubbles: true }));
      const look = (now) => {
        const waited = performance.now() - begun;
        if (rows() !== before) times.push(waited);
        else if (waited < 1500) return requestAnimationFrame(look);
        setTimeout(letter, 60);
      };
      requestAnimationFrame(look);
    };
    letter();";

pub(crate) async fn typing(window: &Window, word: &str) -> Vec<f64> {
    numbers(later(window, TYPING, vec![json!(word)]).await)
}

/// What a script says that calls its last argument when it is done.
async fn later(window: &Window, script: &str, args: Vec<Value>) -> Value {
    window.client.execute_async(script, args).await.expect("the page answers")
}

fn numbers(value: Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().filter_map(Value::as_f64).collect()
}
