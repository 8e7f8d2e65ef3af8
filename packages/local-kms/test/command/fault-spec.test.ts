import { expect, it } from 'vitest'
import { parseDuration, parseFault } from '../../src/command/fault-spec.js'

it.each([
  ['Decrypt=throttle', { operation: 'Decrypt', kind: 'throttle' }],
  ['Decrypt=throttle*3', { operation: 'Decrypt', kind: 'throttle', times: 3 }],
  ['*=throttle@0.25', { operation: '*', kind: 'throttle', rate: 0.25 }],
  ['*=throttle:5', { operation: '*', kind: 'throttle', perSecond: 5 }],
  ['ssm:GetParameter=hang*1', { operation: 'ssm:GetParameter', kind: 'hang', times: 1 }],
  ['*=latency:300ms', { operation: '*', kind: 'latency', ms: 300 }],
  ['*=latency:1.5s', { operation: '*', kind: 'latency', ms: 1500 }],
  [
    'Decrypt=error:DisabledException',
    { operation: 'Decrypt', kind: 'error', type: 'DisabledException' },
  ],
  [
    'Decrypt=error:KMSInternalException:500',
    { operation: 'Decrypt', kind: 'error', type: 'KMSInternalException', status: 500 },
  ],
  ['Decrypt=reset:during', { operation: 'Decrypt', kind: 'reset', when: 'during' }],
  ['Decrypt=body:html', { operation: 'Decrypt', kind: 'body', body: 'html' }],
  ['Decrypt=body:html:503', { operation: 'Decrypt', kind: 'body', body: 'html', status: 503 }],
  ['Decrypt=clock:-20m*1', { operation: 'Decrypt', kind: 'clock', offsetMs: -1_200_000, times: 1 }],
])('parses %s', (text, fault) => {
  expect(parseFault(text)).toEqual(fault)
})

it.each([
  '',
  'Decrypt',
  'Decrypt=',
  '=hang',
  'Decrypt=explode',
  'Decrypt=latency',
  'Decrypt=latency:fast',
  'Decrypt=reset',
  'Decrypt=reset:never',
  'Decrypt=body:odd',
  'Decrypt=error',
  'Decrypt=hang*x',
  'Decrypt=throttle:x',
  'Decrypt=error:X:y',
  'Decrypt=hang:1s',
  'Decrypt=reset:during:5',
  'Decrypt=latency:-1s',
  'Decrypt=clock',
  'Decrypt=body:html:x',
  'Decrypt=body:html:503:x',
])('rejects %j, and shows the syntax', (text) => {
  expect(() => parseFault(text)).toThrowError(/invalid syntax.*\n.*OPERATION=FAULT/)
})

it.each([
  ['300ms', 300],
  ['2s', 2000],
  ['-20m', -1_200_000],
  ['1h', 3_600_000],
  ['5', undefined],
  ['', undefined],
])('parses %j as %j milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
