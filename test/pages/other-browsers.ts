import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A browser that is driven without Playwright, which supports only its own builds. */
export interface OtherBrowser {
  open(url: string): Promise<void>
  /** Runs the body of a function in the page, which returns JSON. */
  run<T>(body: string, ...args: unknown[]): Promise<T>
  close(): Promise<void>
}

const find = (...paths: string[]) => paths.find((path) => existsSync(path))

const FIREFOX = find('/usr/bin/firefox-esr', '/usr/bin/firefox')
const WEBKIT_DRIVER = find('/usr/bin/WebKitWebDriver')
const MINI_BROWSER = find(
  '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
  '/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
)
const XVFB = find('/usr/bin/Xvfb')

/** The browsers, and what is missing for a test in them (Debian's packages). */
export const OTHERS = [
  { name: 'Firefox', missing: FIREFOX ? '' : 'firefox-esr is not installed', start: startFirefox },
  {
    name: 'WebKit',
    missing:
      WEBKIT_DRIVER && MINI_BROWSER && XVFB ? '' : 'webkit2gtk-driver or xvfb is not installed',
    start: startWebKit,
  },
]

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

/** Waits until something is there. The test's own time limit ends it. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    await delay(50)
  }
}

const PREFERENCES = {
  'marionette.port': 0,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
}

/** Starts Firefox, which listens for Marionette, the protocol of its WebDriver. */
async function startFirefox(): Promise<OtherBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'unplugin-kms-firefox-'))
  const preferences = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  await writeFile(join(profile, 'user.js'), preferences.join(''))
  const child = spawn(
    FIREFOX!,
    ['--headless', '--no-remote', '--marionette', '--profile', profile, 'about:blank'],
    { stdio: 'ignore', env: { ...process.env, HOME: profile } },
  )
  const port = await until(async () =>
    Number(await readFile(join(profile, 'MarionetteActivePort'), 'utf8')),
  )
  const socket = connect(port, '127.0.0.1')
  const call = await marionette(socket)
  await call('WebDriver:NewSession', {})
  return {
    open: async (url) => void (await call('WebDriver:Navigate', { url })),
    run: async <T>(script: string, ...args: unknown[]) =>
      ((await call('WebDriver:ExecuteScript', { script, args })) as { value: T }).value,
    close: async () => {
      socket.destroy()
      await ended(child)
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** Messages are JSON after their length and a colon: `[type, id, error, result]`. */
async function marionette(socket: Socket) {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let buffered = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    buffered = Buffer.concat([buffered, bytes])
    for (;;) {
      const colon = buffered.indexOf(':')
      const end = colon + 1 + Number(buffered.subarray(0, Math.max(0, colon)))
      if (colon < 0 || buffered.length < end) return
      const message = JSON.parse(buffered.subarray(colon + 1, end).toString()) as unknown
      buffered = buffered.subarray(end)
      if (!Array.isArray(message)) continue
      const [, id, error, result] = message as [number, number, object | null, unknown]
      if (error) waiting.get(id)?.reject(new Error(JSON.stringify(error)))
      else waiting.get(id)?.resolve(result)
    }
  })
  await once(socket, 'connect')
  let last = 0
  return (command: string, parameters: object) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(++last, { resolve, reject })
      const text = JSON.stringify([0, last, command, parameters])
      socket.write(`${Buffer.byteLength(text)}:${text}`)
    })
}

/** Starts WebKitGTK's browser on a display of its own, by WebDriver. */
async function startWebKit(): Promise<OtherBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'unplugin-kms-webkit-'))
  const xvfb = spawn(XVFB!, ['-displayfd', '3', '-screen', '0', '1200x900x24'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const [display] = (await once(xvfb.stdio[3]!, 'data')) as [Buffer]
  const port = await freePort()
  const driver = spawn(WEBKIT_DRIVER!, [`--port=${port}`], {
    stdio: 'ignore',
    env: {
      ...process.env,
      HOME: home,
      DISPLAY: `:${display.toString().trim()}`,
      GDK_BACKEND: 'x11',
      // Its sandbox needs user namespaces, which root and containers lack.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    },
  })
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    })
    const { value } = (await response.json()) as { value: unknown }
    if (!response.ok) throw new Error(JSON.stringify(value))
    return value
  }
  await until(() => call('GET', '/status'))
  const browserOptions = { binary: MINI_BROWSER, args: ['--automation'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': browserOptions } }
  const { sessionId } = (await call('POST', '/session', { capabilities })) as { sessionId: string }
  const session = `/session/${sessionId}`
  return {
    open: async (url) => void (await call('POST', `${session}/url`, { url })),
    run: async <T>(script: string, ...args: unknown[]) =>
      (await call('POST', `${session}/execute/sync`, { script, args })) as T,
    close: async () => {
      await call('DELETE', session)
      await ended(driver)
      await ended(xvfb)
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
