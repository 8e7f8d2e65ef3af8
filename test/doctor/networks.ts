import { document } from './policies.js'

export const INTERFACE = { serviceName: 'com.amazonaws.us-east-1.kms', privateDns: true }
export const NAT = { main: true, routes: { '0.0.0.0/0': 'nat-1' } }
export const INTERNET = { main: true, routes: { '0.0.0.0/0': 'igw-1' } }
export const INSIDE = { main: true, routes: {} }

/** An endpoint with this policy, and no other way out. */
export const withEndpointPolicy = (...statements: object[]) => ({
  endpoints: [{ ...INTERFACE, policy: document(...statements) }],
  routeTables: [INSIDE],
})
