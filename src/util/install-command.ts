import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const COMMANDS = {
  npm: 'npm install --save-dev',
  pnpm: 'pnpm add --save-dev',
  yarn: 'yarn add --dev',
  bun: 'bun add --dev',
}
type PackageManager = keyof typeof COMMANDS

const LOCK_FILES: [name: string, manager: PackageManager][] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
]

/**
 * Returns the command that installs a development dependency, for the package manager that runs this
 * process, or else for the nearest lock file's.
 */
export function installCommand(
  packageName: string,
  folder = process.cwd(),
  userAgent = process.env.npm_config_user_agent ?? '',
): string {
  const running = /^(npm|pnpm|yarn|bun)\//.exec(userAgent)?.[1] as PackageManager | undefined
  // npx runs under npm in every project.
  const manager = running === undefined || running === 'npm' ? ofLockFile(folder) : running
  return `${COMMANDS[manager ?? 'npm']} ${packageName}`
}

function ofLockFile(folder: string): PackageManager | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = LOCK_FILES.find(([name]) => existsSync(join(at, name)))
    if (found) return found[1]
    if (dirname(at) === at) return undefined
  }
}
