//! What every peer shares: the order it was given (`AIRI_PEER`, JSON), a signed-in client, and the answer.

import { createHash } from 'node:crypto'

import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

/** What to do: url, key, email, password, and what the peer itself asks for. */
export const order = JSON.parse(process.env.AIRI_PEER ?? 'null')
if (!order?.url) throw new Error('AIRI_PEER must hold the order; `cargo xtask bench sync` gives it')

/** Throws what the server refused. */
export function ok({ data, error }) {
  if (error) throw new Error(`${error.code ?? ''} ${error.message}`)
  return data
}

/** A client that is signed in. Signing in is never timed. */
export async function signedIn() {
  const client = createClient(order.url, order.key, {
    auth: { autoRefreshToken: false, persistSession: false },
    realtime: { transport: WebSocket },
  })
  const { user } = ok(await client.auth.signInWithPassword({ email: order.email, password: order.password }))
  return { client, user }
}

/** The same for equal messages wherever they lie: over (id, role, content) in order of id. */
export function fingerprint(messages) {
  const hash = createHash('sha256')
  let count = 0
  for (const { id, role, content } of messages) {
    hash.update(id).update('\0').update(role).update('\0').update(content).update('\0')
    count += 1
  }
  return { messages: count, fingerprint: hash.digest('hex') }
}

export function answer(value) {
  process.stdout.write(JSON.stringify(value) + '\n')
}
