// Runs a page of the documentation as a reader would: writes the code blocks that begin with a
// file's name, and runs every `sh` block, in order, in an empty project with the packed packages.
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const BLOCK = /(<!-- not run: [^>]+ -->\n)?```(\w+)\n([^]*?)```/g
/** `npm install` of a package that is not published yet takes its tarball. */
const OWN = /(?<=npm install [^\n]*)\bunplugin-kms\b/g
/** What a person types at the prompt of `set NAME`. */
const PROMPT = /^npx unplugin-kms set \w+(?: --scope \w+)?$/gm

/**
 * @param {string} page path of the Markdown file
 * @param {string} folder an empty project
 * @param {Record<string, string>} tarballs by package name
 * @param {Record<string, string>} env
 * @param {(script: string) => string} [replace] puts values in the place of placeholders
 * @returns {Promise<{ printed: string, seconds: number, commands: number }>}
 */
export async function runPage(page, folder, tarballs, env, replace = (script) => script) {
  const text = await readFile(page, 'utf8')
  let [printed, seconds, commands] = ['', 0, 0]
  for (const [, notRun, language, code] of text.matchAll(BLOCK)) {
    const [, name] = /^\/\/ (\S+\.\w+)\n/.exec(code) ?? []
    if (name) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), code.slice(code.indexOf('\n') + 1))
    } else if (language === 'sh' && !notRun) {
      const script = replace(code)
        .replace(OWN, tarballs['unplugin-kms'])
        .replace(PROMPT, (command) => `echo 'a value from the prompt' | ${command}`)
      if (script.startsWith('npm init')) await overrides(folder, tarballs)
      const started = performance.now()
      printed += await shell(script, folder, env)
      seconds += (performance.now() - started) / 1000
      commands += code.trim().split('\n').length
    }
  }
  return { printed, seconds, commands }
}

/** The packages that `unplugin-kms` depends on are not published either. */
async function overrides(folder, tarballs) {
  const own = Object.entries(tarballs).filter(([name]) => name !== 'unplugin-kms')
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      overrides: Object.fromEntries(own.map(([name, path]) => [name, `file:${path}`])),
    }),
  )
}

function shell(script, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'sh',
      ['-ec', script],
      { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${script}\n${stdout}\n${stderr}`)) : resolve(stdout + stderr),
    )
    child.stdin.end()
  })
}
