-- Functions only: nothing to keep.
drop function if exists
  airi_private.apply_op(uuid, jsonb, jsonb), airi_private.is_passing(text),
  airi_private.settings_with(jsonb, jsonb), airi_private.tags_with(text[], jsonb, jsonb),
  airi_private.insert_conversation(uuid, uuid, jsonb), airi_private.patch_conversation(uuid, jsonb),
  airi_private.insert_message(uuid, uuid, jsonb), airi_private.insert_messages(uuid, uuid[], jsonb[]),
  airi_private.patch_message(uuid, jsonb),
  airi_private.insert_attachment(uuid, uuid, jsonb), airi_private.patch_attachment(uuid, jsonb),
  airi_private.delete_row(text, uuid);
