import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Pool } from 'pg'
import Stripe from 'stripe'
import { z } from 'zod'
import { databaseUrl, stripeKey } from './secrets'

const Order = z.object({
  id: z.string().min(1),
  customer: z.email(),
  currency: z.enum(['eur', 'usd']),
  lines: z.array(z.object({ price: z.string(), quantity: z.int().positive() })).min(1),
})

const s3 = new S3Client({})
const dynamo = new DynamoDBClient({})
let clients: Promise<{ stripe: Stripe; pool: Pool }> | undefined

async function connect() {
  return {
    stripe: new Stripe(await stripeKey),
    pool: new Pool({ connectionString: await databaseUrl }),
  }
}

/** Reads an order from a bucket, charges it, and stores it. */
export async function handler(event: { bucket: string; key: string }) {
  const { stripe, pool } = await (clients ??= connect())
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: event.bucket, Key: event.key }))
  const order = Order.parse(JSON.parse(await Body!.transformToString()))
  const session = await stripe.checkout.sessions.create({
    mode: 'payment',
    customer_email: order.customer,
    currency: order.currency,
    line_items: order.lines,
  })
  await pool.query('insert into orders (id, session) values ($1, $2)', [order.id, session.id])
  await dynamo.send(
    new PutItemCommand({
      TableName: 'orders',
      Item: { id: { S: order.id }, url: { S: session.url! } },
    }),
  )
  return { url: session.url }
}
