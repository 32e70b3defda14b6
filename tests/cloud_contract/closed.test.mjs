//! What a project does that leaves ways in closed: no Google, no new accounts, no redirects to loopback. Promise: the
//! development cloud that `AIRI_CLOUD` names, started so, answers the official client as such a project does.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'

import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

const cloud = JSON.parse(process.env.AIRI_CLOUD ?? 'null')

function client() {
  const auth = { autoRefreshToken: false, persistSession: false, flowType: 'pkce' }
  return createClient(cloud.url, cloud.publishable_key, { auth, realtime: { transport: WebSocket } })
}

/** Where the browser is sent first for a sign-in with a provider. */
async function begin(provider, redirectTo) {
  const { data, error } = await client().auth.signInWithOAuth({
    provider,
    options: { skipBrowserRedirect: true, redirectTo },
  })
  assert.ifError(error)
  return fetch(data.url, { redirect: 'manual' })
}

test('the settings say what is open', async () => {
  const settings = await fetch(`${cloud.url}/auth/v1/settings`, { headers: { apikey: cloud.publishable_key } })
  const { external, disable_signup: closed } = await settings.json()
  assert.deepEqual([external.email, external.google, external.discord, closed], [true, false, true, true])
  assert.equal((await fetch(`${cloud.url}/auth/v1/settings`)).status, 401)
})

test('a provider that is off is refused', async () => {
  const answer = await begin('google', 'http://127.0.0.1:49152/callback')
  assert.equal(answer.status, 400)
  const { error_code: code, msg } = await answer.json()
  assert.deepEqual([code, msg], ['validation_failed', 'Unsupported provider: provider is not enabled'])
})

test('an address that is not listed gives way to the site', async () => {
  const asked = 'http://127.0.0.1:49152/callback?state=kept'
  const location = new URL((await begin('discord', asked)).headers.get('location'))
  assert.equal(location.searchParams.get('redirect_to'), asked, 'what was asked for travels along')
  const claims = JSON.parse(Buffer.from(location.searchParams.get('state').split('.')[1], 'base64url'))
  assert.equal(claims.referrer, cloud.url, 'and what will be done is signed')
})

test('nobody new comes in, and who is known does', async () => {
  const email = `closed-${randomUUID()}@airi.test`
  const up = await client().auth.signUp({ email, password: randomUUID() })
  assert.equal(up.error.code, 'signup_disabled')
  assert.equal((await client().auth.signInWithOtp({ email })).error.code, 'signup_disabled')
  const known = await client().auth.signInWithPassword({ email: cloud.email, password: cloud.password })
  assert.ifError(known.error)
  assert.ifError((await client().auth.signInWithOtp({ email: cloud.email })).error)
})
