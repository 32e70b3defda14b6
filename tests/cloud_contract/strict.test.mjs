//! What a project does that confirms addresses and whose access tokens live for two seconds. Promise: the development cloud
//! that `AIRI_CLOUD` names, started so, answers the official client as such a project does.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'

import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

const cloud = JSON.parse(process.env.AIRI_CLOUD ?? 'null')

function client(key = cloud.publishable_key) {
  const auth = { autoRefreshToken: false, persistSession: false }
  return createClient(cloud.url, key, { auth, realtime: { transport: WebSocket } })
}

async function code(recipient) {
  const address = `${cloud.url}/devcloud/mails?recipient=${encodeURIComponent(recipient)}`
  const mails = await (await fetch(address, { headers: { apikey: cloud.service_key } })).json()
  return mails[0].code
}

test('a new address signs in only after its code', async () => {
  const [supabase, email, password] = [client(), `strict-${randomUUID()}@airi.test`, randomUUID()]
  const { data } = await supabase.auth.signUp({ email, password })
  assert.equal(data.session, null)
  assert.equal((await supabase.auth.signInWithPassword({ email, password })).error.code, 'email_not_confirmed')
  const { data: verified, error } = await supabase.auth.verifyOtp({ email, token: await code(email), type: 'signup' })
  assert.ifError(error)
  assert.equal(verified.user.email, email)
  assert.ifError((await client().auth.signInWithPassword({ email, password })).error)
  // Nobody learns that the address is taken.
  const again = await client().auth.signUp({ email, password })
  assert.ifError(again.error)
  assert.deepEqual(again.data.user.identities, [])
})

test('an expired access token is refused everywhere, ends its channel, and is healed by a refresh', async () => {
  const supabase = client()
  const signedIn = await supabase.auth.signInWithPassword({ email: cloud.email, password: cloud.password })
  assert.ifError(signedIn.error)
  const { session, user } = signedIn.data
  await supabase.realtime.setAuth(session.access_token)
  const told = new Promise((resolve) => {
    supabase
      .channel(`sync:${user.id}`, { config: { private: true } })
      .on('system', {}, (message) => message.status === 'error' && resolve(message.message))
      .subscribe()
  })
  assert.match(await told, /Token has expired/)

  await wait(Math.max(0, session.expires_at * 1000 - Date.now()) + 50)
  const headers = { apikey: cloud.publishable_key, authorization: `Bearer ${session.access_token}` }
  const rest = await fetch(`${cloud.url}/rest/v1/conversations`, { headers })
  assert.deepEqual([rest.status, (await rest.json()).message], [401, 'JWT expired'])
  const auth = await fetch(`${cloud.url}/auth/v1/user`, { headers })
  assert.deepEqual([auth.status, (await auth.json()).error_code], [403, 'bad_jwt'])
  const storage = await fetch(`${cloud.url}/storage/v1/object/attachments/${user.id}/x`, { headers })
  assert.deepEqual([storage.status, (await storage.json()).statusCode], [400, '403'])

  assert.ifError((await supabase.auth.refreshSession(session)).error)
  assert.ifError((await supabase.from('conversations').select('id')).error)
})
