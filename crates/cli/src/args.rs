//! The words that `airi` understands.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// AIRI at a prompt: your AI conversations, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "airi", version, about, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// The data folder (default: the operating system's folder for the app).
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The profile (default: the one that was in use last).
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// One JSON document on stdout; errors as JSON on stderr.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Takes a history in: ChatGPT, Claude or AIRI exports (JSON, ZIP or folder).
    Import(Import),
    /// Writes conversations as JSON, Markdown or HTML.
    Export(Export),
    /// Lists conversations, newest activity first.
    List(List),
    /// Shows a conversation with its messages.
    Show(Show),
    /// Searches titles, messages, thinking, tools and file names.
    Search(Search),
    /// Makes a conversation.
    New(New),
    /// Adds a message to a conversation.
    Add(Add),
    /// Says something to a model and prints its reply as it comes.
    Chat(Chat),
    /// The providers of models: added, tried, listed, removed.
    Provider(Provider),
    /// Changes title, star, archive, tags, model and its settings of a conversation.
    Edit(Edit),
    /// Puts conversations or messages into the trash.
    Delete(Ids),
    /// Takes conversations or messages out of the trash.
    Undelete(Ids),
    /// Hangs a file on a message.
    Attach(Attach),
    /// Gets an attachment's bytes, from the server when they are not here.
    Fetch(Fetch),
    /// How much of the files lies here, and how much may.
    Files(Files),
    /// The files of a conversation, the newest first.
    Gallery(Gallery),
    /// Keeps a file, or all files of a conversation, on this computer whatever the settings say; or lets them go.
    Keep(Keep),
    /// Tokens by day, model or provider.
    Usage(Usage),
    /// Checks that mirror, index and files agree; or the mirror and the server.
    Verify(Verify),
    /// Writes a whole, checked copy of the profile; or lists those that are made by themselves.
    Backup(Backup),
    /// Brings a backup back, as a profile of its own. Nothing is written over.
    Restore(Restore),
    /// Fills the library with made-up conversations, for measuring.
    Generate(Generate),
    /// Signs in with a password, a code by e-mail, or in the browser; or checks a server.
    Login(Login),
    /// Signs out; everything stays on this computer.
    Logout,
    /// Deletes the account in use on its server, with everything in it, for good. What is on this computer stays.
    DeleteAccount {
        /// The account's e-mail address: it cannot be brought back.
        #[arg(long, value_name = "EMAIL", default_value = "")]
        confirm: String,
    },
    /// Brings this computer and the server into step.
    Sync(Sync),
    /// The profiles of this computer, and what waits in each.
    Profiles(Profiles),
    /// How things stand.
    Status,
    /// What waits to be sent, and what the server refused.
    Outbox(Outbox),
    /// The account's devices, and when each was last in step.
    Devices(Devices),
    /// Whether the account's server deletes old messages by itself. Off unless you turn it on.
    Retention(Retention),
    /// What happened when, without content and secrets: to send to whoever helps.
    Log(Log),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ImportFormat {
    Auto,
    Chatgpt,
    Claude,
    Airi,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Files or unpacked folders.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "auto")]
    pub format: ImportFormat,
    /// Takes an unusually large or dense archive without asking.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Markdown,
    Html,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Conversations by id.
    #[arg(value_name = "CONVERSATION", conflicts_with = "all", required_unless_present = "all")]
    pub conversations: Vec<String>,
    /// Every conversation.
    #[arg(long)]
    pub all: bool,
    #[arg(long, value_enum, default_value = "json")]
    pub format: ExportFormat,
    /// Only conversations with a last message at or after this ISO date or time.
    #[arg(long, value_name = "D")]
    pub since: Option<String>,
    /// Only conversations with a last message before this ISO date or time.
    #[arg(long, value_name = "D")]
    pub until: Option<String>,
    /// Deleted conversations and messages too.
    #[arg(long)]
    pub include_deleted: bool,
    /// A file; `.zip` takes the attachments' bytes along. For Markdown and HTML of several conversations: a folder.
    #[arg(short, long, value_name = "PATH")]
    pub output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Archived ones only.
    #[arg(long)]
    pub archived: bool,
    /// Starred ones only.
    #[arg(long, conflicts_with = "archived")]
    pub starred: bool,
    /// The trash.
    #[arg(long, conflicts_with_all = ["archived", "starred"])]
    pub deleted: bool,
    /// Only those with this tag.
    #[arg(long)]
    pub tag: Option<String>,
    /// At most so many (default: all).
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    pub conversation: String,
    /// The newest N messages only.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only messages before this one.
    #[arg(long, value_name = "MESSAGE")]
    pub before: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// Words, "phrases", -not, and filters such as in: role: model: before: is:starred (docs/search.md).
    #[arg(required = true, num_args = 1.., allow_hyphen_values = false)]
    pub query: Vec<String>,
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Skips so many hits.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u32,
    /// Newest first instead of best first.
    #[arg(long)]
    pub newest: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    #[arg(long)]
    pub title: Option<String>,
    #[arg(long)]
    pub model: Option<String>,
    #[arg(long)]
    pub provider: Option<String>,
    /// It stays on this device only: nothing of it is sent to the server.
    #[arg(long)]
    pub only_here: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Speaker {
    User,
    Assistant,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    pub conversation: String,
    #[arg(long, value_enum)]
    pub role: Speaker,
    /// The message; `-` reads it from stdin.
    #[arg(allow_hyphen_values = true)]
    pub text: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Edit {
    pub conversation: String,
    /// An empty title takes it away.
    #[arg(long)]
    pub title: Option<String>,
    #[arg(long)]
    pub star: bool,
    #[arg(long, conflicts_with = "star")]
    pub unstar: bool,
    #[arg(long)]
    pub archive: bool,
    #[arg(long, conflicts_with = "archive")]
    pub unarchive: bool,
    #[arg(long, value_name = "TAG")]
    pub add_tag: Vec<String>,
    #[arg(long, value_name = "TAG")]
    pub remove_tag: Vec<String>,
    /// The model that answers here.
    #[arg(long)]
    pub model: Option<String>,
    /// Its provider; `airi provider` lists them.
    #[arg(long)]
    pub provider: Option<String>,
    /// What the model is told before everything else; empty takes it away.
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// 0 to 2; 0.7 leaves it to the provider.
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Of a reply; 2048 leaves it to the provider.
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<i64>,
    /// It stays on this device only: nothing of it is sent to the server.
    #[arg(long)]
    pub only_here: bool,
    /// It goes to the server after all, whole.
    #[arg(long, conflicts_with = "only_here")]
    pub everywhere: bool,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(crate) struct Chat {
    /// Its id, or `new`.
    pub conversation: String,
    /// What to say; `-` reads it from stdin.
    #[arg(group = "what", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// Another reply to what was said last.
    #[arg(long, group = "what")]
    pub again: bool,
    /// Goes on where the last reply was cut short.
    #[arg(long, group = "what")]
    pub go_on: bool,
    /// The model (default: the conversation's, else the one chosen last).
    #[arg(long)]
    pub model: Option<String>,
    /// Its provider.
    #[arg(long)]
    pub provider: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Provider {
    #[command(subcommand)]
    pub action: Option<ProviderAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderAction {
    /// Adds a provider, or changes the one of that id, and tries it.
    Add {
        /// One that is known by name; `airi provider presets` lists them.
        preset: Option<String>,
        /// Its name in conversations (default: the preset's, or one made of its name).
        #[arg(long)]
        id: Option<String>,
        /// Its name for people.
        #[arg(long)]
        name: Option<String>,
        /// Its address, which usually ends with /v1 (default: the preset's).
        #[arg(long)]
        url: Option<String>,
        /// openai (most of them), anthropic or google.
        #[arg(long)]
        protocol: Option<String>,
        /// Reads the key from the first line of stdin.
        #[arg(long)]
        key_stdin: bool,
        /// system, none, or a proxy's address.
        #[arg(long)]
        proxy: Option<String>,
        /// http to a private address of the local network, whose other users can then read along.
        #[arg(long)]
        allow_private: bool,
    },
    /// Those that were added.
    List,
    /// Those that are known by name.
    Presets,
    /// Local servers that answer where they usually are.
    Find,
    /// Asks one for its models.
    Test { id: String },
    /// Forgets one, and its key.
    Remove { id: String },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ids {
    /// Ids of conversations or messages.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Attach {
    pub conversation: String,
    /// It is copied; afterwards it may go.
    pub file: PathBuf,
    /// The message that it hangs on (default: a new one of the user at the end of the thread).
    #[arg(long, value_name = "M")]
    pub message: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fetch {
    /// Its id; `airi show` tells it.
    pub attachment: String,
    /// Writes a copy there.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeepOffline {
    All,
    Recent,
    #[value(name = "on_demand")]
    OnDemand,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Files {
    /// What is kept here without being asked for: all that fit, those of the last 30 days, or what is opened.
    #[arg(long, value_enum)]
    pub keep: Option<KeepOffline>,
    /// At most so many MiB on the disk; what the server does not have stays above it too.
    #[arg(long, value_name = "N")]
    pub bound_mb: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GalleryOnly {
    Pictures,
    Files,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Gallery {
    pub conversation: String,
    /// Pictures alone, or all the others alone.
    #[arg(long, value_enum)]
    pub only: Option<GalleryOnly>,
    /// The newest N (default: all).
    #[arg(short, long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Keep {
    /// Of an attachment, or of a conversation: then all its files, those still to come included.
    pub id: String,
    /// A file leaves this computer until it is asked for; for a conversation the settings decide again.
    #[arg(long)]
    pub let_go: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum By {
    Day,
    Model,
    Provider,
    Conversation,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Usage {
    /// From this ISO date or time on.
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    #[arg(long, value_enum, default_value = "day")]
    pub by: By,
    /// What the server counted and billed for its own work, and what the plan leaves; in no sum with the other.
    #[arg(long)]
    pub billed: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Compares every row with the server's, repairs what differs, and says what it was.
    #[arg(long)]
    pub remote: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// A folder that is not there yet (default: the data folder's own backups, seven of which are kept).
    #[arg(conflicts_with = "list")]
    pub path: Option<PathBuf>,
    /// Makes none; lists those in the data folder, the newest first.
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The folder that `airi backup` wrote.
    pub path: PathBuf,
    /// Only reads it all once and says whether it is whole.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// About so many messages.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub messages: u64,
    /// The same seed makes the same library.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LoginProvider {
    Google,
    Discord,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("way").required(true)))]
pub(crate) struct Login {
    /// The server's address (default: that of the account in use).
    #[arg(long)]
    pub url: Option<String>,
    /// Its publishable key (default: the one known for that address).
    #[arg(long)]
    pub key: Option<String>,
    /// The account's e-mail address (default: that of the account in use).
    #[arg(long, conflicts_with_all = ["provider", "check"])]
    pub email: Option<String>,
    /// Reads the password from the first line of stdin.
    #[arg(long, group = "way")]
    pub password_stdin: bool,
    /// Has a code sent by e-mail, then reads it from the first line of stdin.
    #[arg(long, group = "way")]
    pub code: bool,
    /// Only has a code sent by e-mail.
    #[arg(long, group = "way", conflicts_with = "new_address")]
    pub send_code: bool,
    /// Reads a code that was sent before from the first line of stdin.
    #[arg(long, group = "way")]
    pub code_stdin: bool,
    /// Signs in in the browser.
    #[arg(long, group = "way", value_enum)]
    pub provider: Option<LoginProvider>,
    /// Signs in nobody; says what the server has and lacks. Exit code 1 when something needed is missing.
    #[arg(long, group = "way", conflicts_with = "new_address")]
    pub check: bool,
    /// Only prints the address of the sign-in page.
    #[arg(long, requires = "provider")]
    pub no_browser: bool,
    /// The account in use has moved to the address in --url: its profile keeps everything and goes on there.
    #[arg(long = "move", requires = "url")]
    pub new_address: bool,
    /// Which conversations of the profile without an account come along: all, none, or ids. What comes along is sent to
    /// the server, whose operator can read it.
    #[arg(long, value_name = "all|none|ID", num_args = 1.., default_value = "all")]
    pub take: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Profiles {
    #[command(subcommand)]
    pub action: Option<ProfilesAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesAction {
    /// Puts a profile in use.
    Use { name: String },
    /// Removes a profile from this computer: its database, index, files, daily backups and session. What its server has stays
    /// there.
    Remove {
        name: String,
        /// The account's e-mail address, or the profile's name when it has no account: what is nowhere else goes for good.
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    /// Goes on until it is stopped, one line a round.
    #[arg(long)]
    pub watch: bool,
    /// Nothing is sent or taken by itself until --resume; everything here can be used.
    #[arg(long, conflicts_with = "watch")]
    pub pause: bool,
    /// Goes on after --pause.
    #[arg(long, conflicts_with_all = ["watch", "pause"])]
    pub resume: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Outbox {
    #[command(subcommand)]
    pub action: Option<OutboxAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxAction {
    /// Sends a refused change again.
    Retry { id: String },
    /// Gives a change up; the server's row is taken instead. A new row that the server refused leaves this device too.
    Discard { id: String },
    /// Writes a change and the rows that it concerns to a file, which `airi import` reads.
    Export {
        id: String,
        /// A file; `.zip` takes the bytes of attachments along.
        #[arg(short, long, value_name = "PATH")]
        output: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retention {
    /// None: tells what holds.
    #[command(subcommand)]
    pub action: Option<RetentionAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionAction {
    /// Messages older than so many days go, in conversations that nobody touched for as long and that are not starred; they
    /// are only marked, and `airi undelete` brings each back.
    On {
        /// From 90 to 36,500.
        #[arg(long, value_name = "N", default_value_t = 90)]
        days: u32,
    },
    /// Nothing is deleted by itself any more. What was deleted stays so.
    Off,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Devices {
    #[command(subcommand)]
    pub action: Option<DevicesAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesAction {
    /// Ends another device's session. What it has not sent yet stays on it.
    SignOut { id: String },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// A file instead of the terminal.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}
