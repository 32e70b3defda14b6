//! A bare change between two clients: insert, private broadcast, read. Each line on stdin is one round; each answer is its
//! time from before the insert to the row in hand at the other client.

import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'

import { answer, ok, signedIn } from './peer.mjs'

const writer = await signedIn()
const reader = await signedIn()
const conversation = randomUUID()
ok(
  await writer.client
    .from('conversations')
    .insert({ id: conversation, user_id: writer.user.id, title: 'bare', model_id: '', provider_id: '' }),
)

let ring = () => {}
await reader.client.realtime.setAuth()
await new Promise((resolve, reject) => {
  reader.client
    .channel(`sync:${reader.user.id}`, { config: { private: true } })
    .on('broadcast', { event: 'changed' }, () => ring())
    .subscribe((status, error) => (status === 'SUBSCRIBED' ? resolve() : reject(error ?? new Error(status))))
})
answer({ ready: true })

for await (const _ of createInterface({ input: process.stdin })) {
  const row = { id: randomUUID(), conversation_id: conversation, user_id: writer.user.id, role: 'user', content: 'hello' }
  const start = performance.now()
  const arrived = new Promise((resolve, reject) => {
    // A ring may be of an earlier change: then the row is not there yet and the next one is waited for.
    ring = () =>
      reader.client
        .from('chat_messages')
        .select('*')
        .eq('id', row.id)
        .then(({ data, error }) => {
          if (error) reject(new Error(error.message))
          else if (data.length === 1) resolve(data[0])
        })
  })
  ok(await writer.client.from('chat_messages').insert(row))
  const found = await arrived
  answer({ ms: performance.now() - start, same: found.content === row.content })
}
process.exit(0)
