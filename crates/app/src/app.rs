//! The application: a data folder with the profile in use.

use crate::data_dir::{DataDir, LOCAL_PROFILE};
use crate::dropped::Tickets;
use crate::profile::Profile;
use crate::replies::Replies;
use crate::tasks::Tasks;
use crate::{AppError, demo, log};
use airi_contract::{Changed, ReplyPiece, SignInWaiting, StatusChanged, TaskEvent};
use airi_domain::ConversationId;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};

/// How soon the window sees what other processes write.
const LOOK: Duration = Duration::from_millis(500);

/// How to open the application.
#[derive(Debug, Clone, Default)]
pub struct AppOptions {
    /// None: the operating system's folder for the app.
    pub data_dir: Option<PathBuf>,
    /// None: the profile that was in use last.
    pub profile: Option<String>,
    /// A throw-away profile with a sample history, removed when the app ends.
    pub demo: bool,
    /// A window: index and sync go on by themselves, and no second window may open the folder.
    pub window: bool,
}

/// What the window is told, after the commit it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Changed(Changed),
    Status(Box<StatusChanged>),
    Task(TaskEvent),
    SignIn(SignInWaiting),
    Reply(Box<ReplyPiece>),
}

/// The application. Clones share everything.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub data: DataDir,
    profile: RwLock<Arc<Profile>>,
    pub events: broadcast::Sender<Event>,
    pub tasks: Tasks,
    /// Files that the operating system handed over.
    pub dropped: Mutex<Tickets>,
    /// The replies that are being written.
    pub replies: Replies,
    /// Where keys of providers lie, once that was opened.
    pub provider_secrets: Mutex<Option<airi_secrets::Secrets>>,
    pub demo: bool,
    pub window: bool,
    /// Rung when there is something to send, or the user asks for a round.
    pub doorbell: Notify,
    /// Rung when there may be files to send while others are on their way.
    pub files: Notify,
    pub syncing: AtomicBool,
    pub moving_files: AtomicBool,
    /// Rung when there may be news on the server.
    pub news: Notify,
    /// Whether rounds follow one another for as long as the app is open.
    pub following: AtomicBool,
    /// Ends the round under way.
    pub stop_round: Mutex<Arc<AtomicBool>>,
    /// Ends the sign-in that waits for a browser.
    pub stop_sign_in: Notify,
    stop: AtomicBool,
    _window_lock: Option<File>,
    demo_dir: Option<demo::ThrowAway>,
}

impl App {
    /// Opens the data folder and its profile.
    ///
    /// # Errors
    /// [`AppError::Busy`] when another window has the folder; the store's own errors, which leave everything untouched.
    pub fn open(options: AppOptions) -> Result<App, AppError> {
        let demo_dir = options.demo.then(demo::ThrowAway::make).transpose()?;
        let path = match (&demo_dir, options.data_dir) {
            (Some(demo), _) => demo.path().to_owned(),
            (None, Some(path)) => path,
            (None, None) => DataDir::default_path()?,
        };
        let data = DataDir::open(&path)?;
        log::start(&data, options.window);
        let begun = Instant::now();
        let window_lock = options.window.then(|| data.lock_window()).transpose()?;
        let name = match options.profile {
            Some(name) => name,
            None => data.config()?.active_profile.unwrap_or_else(|| LOCAL_PROFILE.to_owned()),
        };
        let profile = Arc::new(Profile::open(&data, &name)?);
        let dropped = Mutex::new(Tickets::read(&data));
        let app = App(Arc::new(Inner {
            data,
            profile: RwLock::new(profile.clone()),
            events: broadcast::channel(1024).0,
            tasks: Tasks::default(),
            dropped,
            replies: Replies::default(),
            provider_secrets: Mutex::default(),
            demo: options.demo,
            window: options.window,
            doorbell: Notify::new(),
            files: Notify::new(),
            syncing: AtomicBool::new(false),
            moving_files: AtomicBool::new(false),
            news: Notify::new(),
            following: AtomicBool::new(false),
            stop_round: Mutex::default(),
            stop_sign_in: Notify::new(),
            stop: AtomicBool::new(false),
            _window_lock: window_lock,
            demo_dir,
        }));
        log::opened(begun.elapsed(), profile.account()?.is_some());
        app.attach(&profile);
        if options.demo {
            app.fill_demo()?;
        }
        if options.window {
            app.watch(LOOK);
            if !options.demo {
                app.back_up_daily();
            }
        }
        Ok(app)
    }

    /// Changes, status and tasks, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Where everything lies.
    pub fn data_dir(&self) -> &std::path::Path {
        self.0.data.path()
    }

    pub(crate) fn profile(&self) -> Arc<Profile> {
        self.0.profile.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another profile in use, now and at the next start.
    pub(crate) fn switch_to(&self, profile: Arc<Profile>) -> Result<(), AppError> {
        self.end_replies();
        let mut config = self.0.data.config()?;
        config.active_profile = Some(profile.name.clone());
        self.0.data.set_config(&config)?;
        self.attach(&profile);
        *self.0.profile.write().unwrap_or_else(PoisonError::into_inner) = profile;
        self.emit(Event::Changed(Changed { conversations: None }));
        Ok(())
    }

    pub(crate) fn emit(&self, event: Event) {
        // Nobody listening is no failure.
        let _ = self.0.events.send(event);
    }

    /// After each commit: the index follows, the window hears of it, sync is rung.
    fn attach(&self, profile: &Arc<Profile>) {
        let app = Arc::downgrade(&self.0);
        let of: Weak<Profile> = Arc::downgrade(profile);
        profile.store.on_commit(move |commit| {
            let (Some(inner), Some(profile)) = (app.upgrade(), of.upgrade()) else { return };
            let app = App(inner);
            if app.0.window {
                profile.indexer.nudge();
            }
            let conversations =
                commit.conversations.as_ref().map(|ids| ids.iter().map(ConversationId::to_string).collect());
            if conversations.as_ref().is_none_or(|ids: &Vec<String>| !ids.is_empty()) {
                app.emit(Event::Changed(Changed { conversations }));
            }
            if commit.queued {
                app.0.doorbell.notify_one();
            }
        });
        if self.0.window {
            profile.indexer.run_in_background();
        }
    }

    /// Looks for commits of other processes (`airi` beside the window).
    pub(crate) fn watch(&self, every: Duration) {
        let version = |profile: &Profile| Some((profile.name.clone(), profile.store.data_version().ok()?));
        let inner = Arc::downgrade(&self.0);
        // Before anybody reads: what another process writes right after that is news too.
        let mut seen = version(&self.profile());
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(every);
                let Some(inner) = inner.upgrade() else { return };
                if inner.stop.load(Ordering::Relaxed) {
                    return;
                }
                let app = App(inner);
                let profile = app.profile();
                let Some(now) = version(&profile) else { continue };
                if seen.as_ref().is_some_and(|seen| *seen != now) {
                    profile.indexer.nudge();
                    app.emit(Event::Changed(Changed { conversations: None }));
                    app.emit_status();
                    app.0.doorbell.notify_one();
                }
                seen = Some(now);
            }
        });
    }

    /// Ends what runs beside the window. A demonstration's folder goes with it.
    pub fn close(&self) {
        self.end_replies();
        self.0.stop.store(true, Ordering::Relaxed);
        self.profile().indexer.stop();
        if let Some(demo) = &self.0.demo_dir {
            demo.remove();
        }
    }
}
