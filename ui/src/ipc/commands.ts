/** The contract's commands, typed. One function each, named as in `COMMANDS`. */
import { toFailure } from './errors';
import type * as c from './generated';
import { transport } from './transport';

async function call<T>(command: c.CommandName, request?: unknown): Promise<T> {
  try {
    return (await transport.invoke(command, request === undefined ? {} : { request })) as T;
  } catch (thrown) {
    throw toFailure(thrown);
  }
}

export const ipc = {
  appInfo: () => call<c.AppInfo>('app_info'),
  openSample: () => call<null>('open_sample'),
  leaveSample: () => call<null>('leave_sample'),
  listConversations: (r: c.ListRequest) => call<c.ConversationPage>('list_conversations', r),
  getConversation: (r: c.ConversationRef) => call<c.ConversationRow>('get_conversation', r),
  createConversation: (r: c.NewConversation) => call<c.ConversationRow>('create_conversation', r),
  editConversation: (r: c.ConversationEdit) => call<c.ConversationRow>('edit_conversation', r),
  editConversations: (r: c.ManyEdit) => call<c.EditedMany>('edit_conversations', r),
  keepHere: (r: c.KeepHereRequest) => call<c.ConversationRow>('keep_here', r),
  deleteItems: (r: c.ItemsRequest) => call<null>('delete_items', r),
  undeleteItems: (r: c.ItemsRequest) => call<null>('undelete_items', r),
  eraseItems: (r: c.ItemsRequest) => call<null>('erase_items', r),
  listTags: () => call<c.TagCount[]>('list_tags'),
  tagsOf: (r: c.ItemsRequest) => call<c.TagCount[]>('tags_of', r),
  threadPage: (r: c.ThreadRequest) => call<c.ThreadPage>('thread_page', r),
  addMessage: (r: c.NewMessage) => call<c.MessageView>('add_message', r),
  showBranch: (r: c.BranchRequest) => call<c.ConversationRow>('show_branch', r),
  editMessage: (r: c.MessageEdit) => call<c.MessageView>('edit_message', r),
  sendMessage: (r: c.SendRequest) => call<c.SendAnswer>('send_message', r),
  askReply: (r: c.ReplyRequest) => call<c.ReplyRef>('ask_reply', r),
  stopReply: (r: c.ReplyRef) => call<null>('stop_reply', r),
  replySoFar: (r: c.ReplyRef) => call<c.ReplyPiece | null>('reply_so_far', r),
  listPresets: () => call<c.PresetRow[]>('list_presets'),
  listProviders: () => call<c.ProviderRow[]>('list_providers'),
  saveProvider: (r: c.ProviderEdit) => call<c.ProviderRow>('save_provider', r),
  removeProvider: (r: c.ProviderRef) => call<null>('remove_provider', r),
  testProvider: (r: c.ProviderRef) => call<c.ProviderTest>('test_provider', r),
  findServers: () => call<c.FoundServer[]>('find_servers'),
  chatDefaults: () => call<c.ChatDefaults>('chat_defaults'),
  search: (r: c.SearchRequest) => call<c.SearchResponse>('search', r),
  findInThread: (r: c.FindRequest) => call<c.FoundInThread>('find_in_thread', r),
  startImport: (r: c.ImportRequest) => call<c.TaskStarted>('start_import', r),
  startExport: (r: c.ExportRequest) => call<c.TaskStarted>('start_export', r),
  cancelTask: (r: c.TaskRef) => call<null>('cancel_task', r),
  pickPath: (r: c.PickRequest) => call<string | null>('pick_path', r),
  signIn: (r: c.SignInRequest) => call<c.Status>('sign_in', r),
  cancelSignIn: () => call<null>('cancel_sign_in'),
  sendCode: (r: c.CodeRequest) => call<null>('send_code', r),
  checkServer: (r: c.CheckRequest) => call<c.ServerCheck>('check_server', r),
  listProfiles: () => call<c.ProfileRow[]>('list_profiles'),
  useProfile: (r: c.ProfileRef) => call<c.Status>('use_profile', r),
  signOut: () => call<c.Status>('sign_out'),
  removeProfile: (r: c.RemoveProfile) => call<c.Status>('remove_profile', r),
  deleteAccount: (r: c.DeleteAccount) => call<c.DeletedAccount>('delete_account', r),
  syncNow: () => call<c.Status>('sync_now'),
  status: () => call<c.Status>('status'),
  serverNews: () => call<c.ServerNews>('server_news'),
  outbox: () => call<c.OutboxRow[]>('outbox'),
  resolveOutbox: (r: c.OutboxRequest) => call<null>('resolve_outbox', r),
  exportChange: (r: c.OutboxExport) => call<null>('export_change', r),
  pauseSync: (r: c.PauseRequest) => call<c.Status>('pause_sync', r),
  verifyRemote: () => call<c.AuditReport>('verify_remote'),
  listDevices: () => call<c.DeviceRow[]>('list_devices'),
  signOutDevice: (r: c.DeviceRef) => call<c.DeviceRow[]>('sign_out_device', r),
  retention: () => call<c.Retention>('retention'),
  setRetention: (r: c.Retention) => call<c.Retention>('set_retention', r),
  saveLog: (r: c.PathRequest) => call<null>('save_log', r),
  usage: (r: c.UsageRequest) => call<c.UsageReport>('usage', r),
  billedUsage: (r: c.UsageRequest) => call<c.BilledUsage | null>('billed_usage', r),
  exportUsage: (r: c.UsageRequest) => call<string | null>('export_usage', r),
  checkLink: (r: c.LinkRequest) => call<c.LinkVerdict>('check_link', r),
  openLink: (r: c.LinkRequest) => call<null>('open_link', r),
  attachFile: (r: c.AttachRequest) => call<c.MessageView | null>('attach_file', r),
  fetchAttachment: (r: c.AttachmentRef) => call<c.AttachmentRow>('fetch_attachment', r),
  saveAttachment: (r: c.AttachmentRef) => call<string | null>('save_attachment', r),
  gallery: (r: c.GalleryRequest) => call<c.GalleryPage>('gallery', r),
  keepFiles: (r: c.KeepFilesRequest) => call<null>('keep_files', r),
  getSettings: () => call<c.Settings>('get_settings'),
  notify: (r: c.Notification) => call<null>('notify', r),
  setMenuBar: (r: c.MenuBar) => call<null>('set_menu_bar', r),
  setSettings: (r: c.Settings) => call<c.Settings>('set_settings', r),
  files: () => call<c.FilesReport>('files'),
  verify: () => call<c.VerifyReport>('verify'),
  listBackups: () => call<c.BackupRow[]>('list_backups'),
  backUp: () => call<c.BackupRow>('back_up'),
  checkBackup: (r: c.PathRequest) => call<c.RestoreReport>('check_backup', r),
  restoreBackup: (r: c.PathRequest) => call<c.RestoreReport>('restore_backup', r),
};

export function imageUrl(id: string): string {
  return transport.imageUrl(id);
}

/** No larger than it is looked at in a thread, so that the page does not hold whole photographs. */
export function smallImageUrl(id: string): string {
  return transport.imageUrl(`small/${id}`);
}
