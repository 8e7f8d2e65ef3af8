import { crc32, deflateRawSync } from 'node:zlib'

/** A zip archive, every second file of it deflated and the others stored. */
export function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  Object.entries(files).forEach(([path, text], at) => {
    const name = Buffer.from(path)
    const content = Buffer.from(text)
    const body = at % 2 ? deflateRawSync(content) : content
    // What local header and central directory have in common (APPNOTE.TXT 4.3.7 and 4.3.12).
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(at % 2 ? 8 : 0, 4)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(body.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, name)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, body])
    parts.push(local)
    offset += local.length
  })
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  const { length } = Object.keys(files)
  end.writeUInt16LE(length, 8)
  end.writeUInt16LE(length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}
