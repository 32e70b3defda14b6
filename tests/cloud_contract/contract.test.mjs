//! Holds the development cloud to Supabase's own client. Promise: what these tests do through @supabase/supabase-js and
//! tus-js-client works on the cloud that `AIRI_CLOUD` (its JSON line) names, with our migrations in it.
//! `AIRI_REUSE_SECONDS` says how long a used refresh token stays usable there (10 unless set).

import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import http from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'

import { createClient } from '@supabase/supabase-js'
import { Upload } from 'tus-js-client'
import WebSocket from 'ws'

const cloud = JSON.parse(process.env.AIRI_CLOUD ?? 'null')
assert.ok(cloud?.url, 'AIRI_CLOUD must hold the JSON line of a running airi-devcloud')
const reuseSeconds = Number(process.env.AIRI_REUSE_SECONDS ?? 10)

const clients = []
after(async () => {
  for (const made of clients) {
    await made.removeAllChannels()
    await made.realtime.disconnect()
  }
})

function client(key = cloud.publishable_key, auth = {}) {
  const options = {
    auth: { autoRefreshToken: false, persistSession: false, ...auth },
    realtime: { transport: WebSocket },
  }
  const made = createClient(cloud.url, key, options)
  clients.push(made)
  return made
}

const service = client(cloud.service_key)

function newAddress() {
  return `contract-${randomUUID()}@airi.test`
}

function ok({ data, error }) {
  assert.ifError(error)
  return data
}

/** A signed-up user: their client, id, address and password. */
async function newUser() {
  const [supabase, email, password] = [client(), newAddress(), randomUUID()]
  const { user, session } = ok(await supabase.auth.signUp({ email, password, options: { data: { nick: 'x' } } }))
  return { supabase, email, password, user, session }
}

/** The columns that a conversation needs besides its defaults. */
function conversation(user, more = {}) {
  return { id: randomUUID(), user_id: user.id, title: 'contract', model_id: 'm', provider_id: 'p', ...more }
}

function refresh(token) {
  return fetch(`${cloud.url}/auth/v1/token?grant_type=refresh_token`, {
    method: 'POST',
    headers: { apikey: cloud.publishable_key, 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: token }),
  })
}

async function refreshed(token) {
  const response = await refresh(token)
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()).refresh_token
}

// ------------------------------------------------------------------------------------------------------------- auth

test('signing up gives a user, a session, and refuses the address a second time', async () => {
  const { supabase, email, password, user, session } = await newUser()
  assert.equal(user.email, email)
  assert.equal(user.user_metadata.nick, 'x')
  assert.equal(session.token_type, 'bearer')
  const claims = JSON.parse(Buffer.from(session.access_token.split('.')[1], 'base64url'))
  assert.deepEqual([claims.sub, claims.role, claims.aud], [user.id, 'authenticated', 'authenticated'])
  const again = await supabase.auth.signUp({ email, password })
  assert.equal(again.error.code, 'user_already_exists')
  const weak = await client().auth.signUp({ email: newAddress(), password: '12345' })
  assert.equal(weak.error.code, 'weak_password')
})

test('signing in works with the password and says the same for a wrong one as for a stranger', async () => {
  const { email, password, user } = await newUser()
  const { data } = await client().auth.signInWithPassword({ email: email.toUpperCase(), password })
  assert.equal(data.user.id, user.id)
  for (const wrong of [{ email, password: 'not it' }, { email: newAddress(), password }]) {
    const { error } = await client().auth.signInWithPassword(wrong)
    assert.deepEqual([error.status, error.code, error.message], [400, 'invalid_credentials', 'Invalid login credentials'])
  }
})

test('the ready account can sign in and has no rows', async () => {
  const supabase = client()
  ok(await supabase.auth.signInWithPassword({ email: cloud.email, password: cloud.password }))
  const { count } = await supabase.from('conversations').select('id', { count: 'exact', head: true })
  assert.equal(count, 0)
})

test('a wrong API key, or none, is refused before anything else', async () => {
  const { error } = await client('sb_publishable_wrong').from('conversations').select()
  assert.equal(error.message, 'Invalid API key')
  for (const path of ['/rest/v1/conversations', '/auth/v1/settings']) {
    assert.equal((await fetch(cloud.url + path)).status, 401)
  }
})

test('a session is refreshed, and the user is read and changed with it', async () => {
  const { supabase, user, session, email } = await newUser()
  const renewed = ok(await supabase.auth.refreshSession()).session
  assert.notEqual(renewed.refresh_token, session.refresh_token)
  assert.notEqual(renewed.access_token, session.access_token)
  assert.equal(ok(await supabase.auth.getUser()).user.id, user.id)
  const changed = ok(await supabase.auth.updateUser({ password: 'a new password', data: { nick: 'y' } }))
  assert.equal(changed.user.user_metadata.nick, 'y')
  ok(await client().auth.signInWithPassword({ email, password: 'a new password' }))
})

test('a refresh token whose answer was lost is answered with the same next token', async () => {
  const { session } = await newUser()
  const next = await refreshed(session.refresh_token)
  assert.equal(await refreshed(session.refresh_token), next)
})

test('an older refresh token used again ends the session', async () => {
  const { supabase, session } = await newUser()
  const second = await refreshed(session.refresh_token)
  const third = await refreshed(second)
  // The clock of the server decides when a used token becomes a stolen one.
  await wait(reuseSeconds * 1000 + 50)
  const reuse = await refresh(session.refresh_token)
  assert.equal(reuse.status, 400)
  assert.equal((await reuse.json()).error_code, 'refresh_token_already_used')
  for (const token of [second, third]) {
    assert.equal((await refresh(token)).status, 400, 'the whole family is revoked')
  }
  const { error } = await supabase.auth.refreshSession({ refresh_token: 'unknown' })
  assert.equal(error.code, 'refresh_token_not_found')
})

test('concurrent refreshes with one token all get the same next token', async () => {
  const { session } = await newUser()
  const next = await Promise.all(Array.from({ length: 8 }, () => refreshed(session.refresh_token)))
  assert.equal(new Set(next).size, 1)
})

test('signing out ends this session, the others, or all', async () => {
  const { supabase, email, password, session } = await newUser()
  const [second, third] = [client(), client()]
  const secondSession = ok(await second.auth.signInWithPassword({ email, password })).session
  const thirdSession = ok(await third.auth.signInWithPassword({ email, password })).session
  assert.ifError((await third.auth.signOut({ scope: 'local' })).error)
  assert.equal((await refresh(thirdSession.refresh_token)).status, 400)
  assert.ifError((await supabase.auth.signOut({ scope: 'others' })).error)
  assert.equal((await refresh(secondSession.refresh_token)).status, 400)
  // The client's name for the code session_not_found.
  assert.equal((await second.auth.getUser(secondSession.access_token)).error.name, 'AuthSessionMissingError')
  assert.equal(ok(await supabase.auth.getUser()).user.email, email)
  assert.ifError((await supabase.auth.signOut()).error)
  assert.equal((await refresh(session.refresh_token)).status, 400)
})

test('a code by mail signs in once', async () => {
  const email = newAddress()
  assert.ifError((await client().auth.signInWithOtp({ email })).error)
  const mails = await fetch(`${cloud.url}/devcloud/mails?recipient=${encodeURIComponent(email)}`, {
    headers: { apikey: cloud.service_key },
  })
  const [{ code }] = await mails.json()
  const wrong = await client().auth.verifyOtp({ email, token: code === '000000' ? '1' : '000000', type: 'email' })
  assert.equal(wrong.error.code, 'otp_expired')
  assert.equal(ok(await client().auth.verifyOtp({ email, token: code, type: 'email' })).user.email, email)
  const again = await client().auth.verifyOtp({ email, token: code, type: 'email' })
  assert.equal(again.error.code, 'otp_expired')
  const refused = await fetch(`${cloud.url}/devcloud/mails?recipient=x`, { headers: { apikey: cloud.publishable_key } })
  assert.equal(refused.status, 403)
})

test('a provider signs in over loopback with PKCE, and only with the right verifier', async () => {
  const supabase = client(undefined, { flowType: 'pkce' })
  const stranger = client(undefined, { flowType: 'pkce' })
  const begin = async (who, hint) => {
    const options = { redirectTo: 'http://127.0.0.1:49152/callback?state=kept', skipBrowserRedirect: true, queryParams: { login_hint: hint } }
    let { url } = ok(await who.auth.signInWithOAuth({ provider: 'google', options }))
    // The browser's part: follow until the address is the app's own.
    while (url.startsWith(cloud.url)) {
      const response = await fetch(url, { redirect: 'manual' })
      assert.equal(response.status, 302, await response.text())
      url = response.headers.get('location')
    }
    return new URL(url)
  }
  const email = newAddress()
  const back = await begin(supabase, email)
  assert.equal(back.origin, 'http://127.0.0.1:49152')
  assert.equal(back.searchParams.get('state'), 'kept', 'what the app put into its address comes back')
  await begin(stranger, newAddress())
  const stolen = await stranger.auth.exchangeCodeForSession(back.searchParams.get('code'))
  assert.equal(stolen.error.code, 'bad_code_verifier')
  const { user } = ok(await supabase.auth.exchangeCodeForSession(back.searchParams.get('code')))
  assert.deepEqual([user.email, user.app_metadata.provider], [email, 'google'])
  assert.equal((await begin(client(undefined, { flowType: 'pkce' }), 'deny')).searchParams.get('error'), 'access_denied')
})

test('the service key makes, bans and erases users; another key does not', async () => {
  const [email, password] = [newAddress(), randomUUID()]
  const { user } = ok(await service.auth.admin.createUser({ email, password, email_confirm: true }))
  ok(await client().auth.signInWithPassword({ email, password }))
  ok(await service.auth.admin.updateUserById(user.id, { ban_duration: '24h' }))
  assert.equal((await client().auth.signInWithPassword({ email, password })).error.code, 'user_banned')
  ok(await service.auth.admin.deleteUser(user.id))
  assert.equal((await service.auth.admin.getUserById(user.id)).error.code, 'user_not_found')
  assert.equal((await client().auth.admin.createUser({ email, password })).error.code, 'not_admin')
})

// ------------------------------------------------------------------------------------------------------------- rest

test('a user reads and writes own rows only', async () => {
  const [a, b] = [await newUser(), await newUser()]
  const row = conversation(a.user)
  ok(await a.supabase.from('conversations').insert(row))
  assert.deepEqual(ok(await a.supabase.from('conversations').select('id')), [{ id: row.id }])
  assert.deepEqual(ok(await b.supabase.from('conversations').select('id')), [])
  assert.deepEqual(ok(await b.supabase.from('conversations').update({ title: 'b' }).eq('id', row.id).select()), [])
  const planted = await b.supabase.from('conversations').insert(conversation(a.user))
  assert.equal(planted.error.code, '42501')
  const anonymous = await client().from('conversations').select('id')
  assert.ok(anonymous.error?.code === '42501' || anonymous.data.length === 0)
  assert.equal(ok(await service.from('conversations').select('title').eq('id', row.id))[0].title, 'contract')
})

test('a forged token and an expired one are refused', async () => {
  const { session } = await newUser()
  const [head, body] = session.access_token.split('.')
  const claims = { ...JSON.parse(Buffer.from(body, 'base64url')), role: 'service_role' }
  const forgedBody = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  for (const token of [`${head}.${forgedBody}.${session.access_token.split('.')[2]}`, `${none}.${forgedBody}.`]) {
    const headers = { apikey: cloud.publishable_key, authorization: `Bearer ${token}` }
    assert.equal((await fetch(`${cloud.url}/rest/v1/conversations`, { headers })).status, 401)
    assert.equal((await fetch(`${cloud.url}/auth/v1/user`, { headers })).status, 403)
    assert.equal((await fetch(`${cloud.url}/storage/v1/object/attachments/x`, { headers })).status, 400)
  }
})

test('an answer has at most 1,000 rows, and says so', async () => {
  const { supabase, user } = await newUser()
  const rows = Array.from({ length: 1100 }, () => conversation(user))
  ok(await supabase.from('conversations').insert(rows))
  const { data, count } = await supabase.from('conversations').select('id', { count: 'exact' })
  assert.deepEqual([data.length, count], [1000, 1100])
})

test('functions are called as the user', async () => {
  const { supabase, user } = await newUser()
  assert.equal(ok(await supabase.rpc('sync_hello')).user_id, user.id)
  assert.equal((await client().rpc('sync_hello')).error.code, '42501')
  assert.equal((await supabase.rpc('no_such_function')).error.code, 'PGRST202')
})

// ---------------------------------------------------------------------------------------------------------- storage

function files(supabase) {
  return supabase.storage.from('attachments')
}

function objectPath(user, bytes) {
  return `${user.id}/${createHash('sha256').update(bytes).digest('hex')}`
}

async function uploaded(size = 1000) {
  const owner = await newUser()
  const bytes = randomBytes(size)
  const path = objectPath(owner.user, bytes)
  ok(await files(owner.supabase).upload(path, bytes, { contentType: 'image/png', cacheControl: '60' }))
  return { ...owner, bytes, path }
}

test('an object is uploaded, described, listed, downloaded whole and in part, and removed', async () => {
  const { supabase, user, session, bytes, path } = await uploaded()
  const blob = ok(await files(supabase).download(path))
  assert.equal(blob.type, 'image/png')
  assert.deepEqual(Buffer.from(await blob.arrayBuffer()), bytes)
  const info = ok(await files(supabase).info(path))
  assert.deepEqual([info.size, info.contentType], [1000, 'image/png'])
  const [entry] = ok(await files(supabase).list(user.id))
  assert.deepEqual([entry.name, entry.metadata.size], [path.split('/')[1], 1000])
  const [folder] = ok(await files(supabase).list(''))
  assert.deepEqual([folder.name, folder.id], [user.id, null])

  const headers = { apikey: cloud.publishable_key, authorization: `Bearer ${session.access_token}` }
  const address = `${cloud.url}/storage/v1/object/authenticated/attachments/${path}`
  const part = await fetch(address, { headers: { ...headers, range: 'bytes=100-199' } })
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 100-199/1000'])
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(100, 200))
  assert.equal((await fetch(address, { headers: { ...headers, range: 'bytes=1000-' } })).status, 416)
  const head = await fetch(address, { method: 'HEAD', headers })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '1000'])
  const seen = await fetch(address, { headers: { ...headers, 'if-none-match': head.headers.get('etag') } })
  assert.equal(seen.status, 304)

  const again = await files(supabase).upload(path, bytes)
  assert.equal(again.error.statusCode, '409')
  const other = randomBytes(20)
  ok(await files(supabase).upload(path, other, { upsert: true, contentType: 'image/png' }))
  assert.deepEqual(Buffer.from(await ok(await files(supabase).download(path)).arrayBuffer()), other)
  assert.equal(ok(await files(supabase).remove([path])).length, 1)
  assert.equal((await files(supabase).info(path)).error.statusCode, '404')
})

test('another user can neither read, sign, list, replace nor remove an object, nor put one into the folder', async () => {
  const owner = await uploaded()
  const b = await newUser()
  const foreign = files(b.supabase)
  assert.ok((await foreign.download(owner.path)).error)
  assert.equal((await foreign.info(owner.path)).error.statusCode, '404')
  assert.ok((await foreign.createSignedUrl(owner.path, 60)).error)
  assert.deepEqual(ok(await foreign.list(owner.user.id)), [])
  assert.equal((await foreign.upload(owner.path, 'x', { upsert: true })).error.statusCode, '403')
  assert.equal((await foreign.upload(`${owner.user.id}/planted`, 'x')).error.statusCode, '403')
  assert.equal((await foreign.upload(`${b.user.id}/../${owner.user.id}/planted`, 'x')).error?.statusCode, '403')
  assert.ok((await foreign.move(owner.path, `${b.user.id}/taken`)).error)
  assert.deepEqual(ok(await foreign.remove([owner.path])), [])
  assert.ok((await files(client()).download(owner.path)).error)
  const open = await fetch(`${cloud.url}/storage/v1/object/public/attachments/${owner.path}`)
  assert.equal(open.status, 400)
  assert.deepEqual(Buffer.from(await ok(await files(owner.supabase).download(owner.path)).arrayBuffer()), owner.bytes)
})

test('a signed address works without a key, for its object only, and its token for nothing else', async () => {
  const { supabase, user, bytes, path } = await uploaded()
  const { signedUrl } = ok(await files(supabase).createSignedUrl(path, 60))
  assert.deepEqual(Buffer.from(await (await fetch(signedUrl)).arrayBuffer()), bytes)
  const [many] = ok(await files(supabase).createSignedUrls([path], 60, { download: true }))
  assert.match((await fetch(many.signedUrl)).headers.get('content-disposition'), /^attachment/)
  ok(await files(supabase).upload(`${user.id}/other`, 'x'))
  assert.equal((await fetch(signedUrl.replace(path, `${user.id}/other`))).status, 400)
  const token = new URL(signedUrl).searchParams.get('token')
  const headers = { apikey: cloud.publishable_key, authorization: `Bearer ${token}` }
  assert.equal((await fetch(`${cloud.url}/storage/v1/object/attachments/${path}`, { headers })).status, 400)
  const short = ok(await files(supabase).createSignedUrl(path, 1)).signedUrl
  await wait(1100)
  assert.equal((await fetch(short)).status, 400)
})

/** A resumable upload through the official TUS client; resolves to null or to the error. */
function resumable(session, name, bytes, more = {}) {
  return new Promise((resolve) => {
    const upload = new Upload(bytes, {
      endpoint: `${cloud.url}/storage/v1/upload/resumable`,
      retryDelays: null,
      headers: { authorization: `Bearer ${session.access_token}`, apikey: cloud.publishable_key },
      uploadDataDuringCreation: true,
      chunkSize: 6 * 1024 * 1024,
      metadata: { bucketName: 'attachments', objectName: name, contentType: 'image/png', cacheControl: '60' },
      onError: resolve,
      onSuccess: () => resolve(null),
      ...more,
    })
    upload.start()
  })
}

test('a large object goes up in 6 MB pieces', async () => {
  const { supabase, user, session } = await newUser()
  const bytes = randomBytes(13 * 1024 * 1024)
  const path = objectPath(user, bytes)
  let pieces = 0
  const error = await resumable(session, path, bytes, { onChunkComplete: () => (pieces += 1) })
  assert.ifError(error)
  assert.equal(pieces, 3)
  const back = Buffer.from(await ok(await files(supabase).download(path)).arrayBuffer())
  assert.ok(back.equals(bytes))
  assert.equal(ok(await files(supabase).info(path)).contentType, 'image/png')
})

test('a resumable upload goes on where a cut connection left it, and only for its owner', async () => {
  const [{ supabase, user, session }, b] = [await newUser(), await newUser()]
  const bytes = randomBytes(3_000_000)
  const path = objectPath(user, bytes)
  const tus = (who) => ({ authorization: `Bearer ${who.access_token}`, apikey: cloud.publishable_key, 'tus-resumable': '1.0.0' })
  const base64 = (text) => Buffer.from(text).toString('base64')
  const created = await fetch(`${cloud.url}/storage/v1/upload/resumable`, {
    method: 'POST',
    headers: {
      ...tus(session),
      'upload-length': String(bytes.length),
      'upload-metadata': `bucketName ${base64('attachments')},objectName ${base64(path)}`,
    },
  })
  assert.equal(created.status, 201)
  const address = created.headers.get('location')
  const patch = { 'content-type': 'application/offset+octet-stream' }

  // Sends a part of the body, and drops the connection when the server has some of it.
  const request = http.request(address, {
    method: 'PATCH',
    headers: { ...tus(session), ...patch, 'upload-offset': '0', 'content-length': bytes.length },
  })
  const dropped = new Promise((resolve) => request.on('close', resolve))
  request.on('error', () => {})
  request.write(bytes.subarray(0, 1_000_000))
  const offsetNow = async () => {
    const head = await fetch(address, { method: 'HEAD', headers: tus(session) })
    assert.deepEqual([head.status, head.headers.get('upload-length')], [200, String(bytes.length)])
    return Number(head.headers.get('upload-offset'))
  }
  while ((await offsetNow()) === 0) await wait(10)
  request.destroy()
  await dropped
  const offset = await offsetNow()
  assert.ok(offset <= 1_000_000, `a part of it arrived: ${offset}`)
  assert.equal((await fetch(address, { method: 'HEAD', headers: tus(b.session) })).status, 404)
  const wrong = await fetch(address, {
    method: 'PATCH', headers: { ...tus(session), ...patch, 'upload-offset': String(offset + 1) }, body: bytes.subarray(offset + 1),
  })
  assert.equal(wrong.status, 409)
  const rest = await fetch(address, {
    method: 'PATCH', headers: { ...tus(session), ...patch, 'upload-offset': String(offset) }, body: bytes.subarray(offset),
  })
  assert.deepEqual([rest.status, rest.headers.get('upload-offset')], [204, String(bytes.length)])
  assert.equal(await offsetNow(), bytes.length, 'a lost last answer can be asked for')
  assert.ok(Buffer.from(await ok(await files(supabase).download(path)).arrayBuffer()).equals(bytes))
})

test("a resumable upload into another user's folder is refused at its start", async () => {
  const [a, b] = [await newUser(), await newUser()]
  const error = await resumable(b.session, `${a.user.id}/planted`, randomBytes(10))
  assert.equal(error.originalResponse.getStatus(), 403)
})

// --------------------------------------------------------------------------------------------------------- realtime

/** Joins a private channel; resolves to its last status. */
function join(supabase, topic, heard = () => {}) {
  return new Promise((resolve) => {
    supabase
      .channel(topic, { config: { private: true } })
      .on('broadcast', { event: '*' }, heard)
      .subscribe((status, error) => {
        if (status !== 'CLOSED') resolve({ status, error })
      })
  })
}

test('a change in the database rings the private channel of its owner', async () => {
  const { supabase, user } = await newUser()
  await supabase.realtime.setAuth()
  let heard
  const message = new Promise((resolve) => (heard = resolve))
  assert.equal((await join(supabase, `sync:${user.id}`, heard)).status, 'SUBSCRIBED')
  ok(await supabase.from('conversations').insert(conversation(user)))
  const { event, payload } = await message
  assert.equal(event, 'changed')
  assert.ok(payload.head >= 1)
})

test('a private channel is refused to another user and to nobody at all', async () => {
  const [a, b] = [await newUser(), await newUser()]
  await b.supabase.realtime.setAuth()
  for (const stranger of [b.supabase, client()]) {
    const { status, error } = await join(stranger, `sync:${a.user.id}`)
    assert.equal(status, 'CHANNEL_ERROR')
    assert.match(error.message, /Unauthorized/)
  }
})

test('what one public channel sends, another hears; its sender does not', async () => {
  const [a, b] = [await newUser(), await newUser()]
  const topic = `open-${randomUUID()}`
  const subscribed = (supabase, heard) =>
    new Promise((resolve) => {
      const channel = supabase.channel(topic).on('broadcast', { event: 'hi' }, heard)
      channel.subscribe((status) => status === 'SUBSCRIBED' && resolve(channel))
    })
  let heard
  const message = new Promise((resolve) => (heard = resolve))
  await subscribed(b.supabase, heard)
  const channel = await subscribed(a.supabase, () => assert.fail('the sender hears itself'))
  await channel.send({ type: 'broadcast', event: 'hi', payload: { n: 1 } })
  assert.equal((await message).payload.n, 1)
})
