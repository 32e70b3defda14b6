//! RxDB's own Supabase replication, pull only, once. Its storage is memory: of the open ones the fastest, it writes no
//! disk at all, so what it is compared with does more. `order.page` rows a page, as many as it takes by itself without. It needs
//! two columns of its own (`_modified`, `_deleted`), so it reads copies of the tables that have them, with an index in its order.

import { createRxDatabase } from 'rxdb/plugins/core'
import { replicateSupabase } from 'rxdb/plugins/replication-supabase'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'

import { answer, fingerprint, order, signedIn } from './peer.mjs'

const { client, user } = await signedIn()
const database = await createRxDatabase({
  name: `copy-${process.pid}`,
  storage: getRxStorageMemory(),
  multiInstance: false,
  eventReduce: false,
})

const collections = {}
for (const [table, columns] of Object.entries(order.tables)) {
  const properties = Object.fromEntries(columns.map((column) => [column, {}]))
  properties.id = { type: 'string', maxLength: 36 }
  collections[table] = { schema: { version: 0, primaryKey: 'id', type: 'object', properties, required: ['id'] } }
}
await database.addCollections(collections)

const start = performance.now()
for (const table of Object.keys(order.tables)) {
  const replication = replicateSupabase({
    tableName: order.prefix + table,
    client,
    collection: database[table],
    replicationIdentifier: `copy-${table}`,
    live: false,
    waitForLeadership: false,
    pull: { ...(order.page && { batchSize: order.page }), queryBuilder: ({ query }) => query.eq('user_id', user.id) },
  })
  replication.error$.subscribe((error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  await replication.awaitInitialReplication()
  await replication.cancel()
}
const ms = performance.now() - start

let rows = 0
for (const table of Object.keys(order.tables)) rows += await database[table].count().exec()
const messages = await database.chat_messages.find().exec()
const plain = messages.map((doc) => ({ id: doc.id, role: doc.role, content: doc.content }))
plain.sort((a, b) => (a.id < b.id ? -1 : 1))
answer({ ms, rows, ...fingerprint(plain) })
process.exit(0)
