/* SPDX-License-Identifier: Apache-2.0 */
#include "base/build.h"

#include <elf.h>
#include <link.h>
#include <string.h>

/* Where the linker put our own headers: the file's, the segments' and, in the first of those, the notes. */
extern const uint8_t __ehdr_start[] __attribute__((visibility("hidden")));

static size_t round_up(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t note_find(const uint8_t *notes, size_t len, const uint8_t **ret)
{
	ElfW(Nhdr) n;
	size_t at = 0;

	while (len - at >= sizeof(n)) {
		const uint8_t *name = notes + at + sizeof(n), *id;

		memcpy(&n, notes + at, sizeof(n));
		id = name + round_up(n.n_namesz);
		at += sizeof(n) + round_up(n.n_namesz) + round_up(n.n_descsz);
		if (at > len)
			break;
		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0)
			continue;
		*ret = id;
		return n.n_descsz;
	}
	return 0;
}

size_t build_id(const uint8_t **ret)
{
	const uint8_t *base = __ehdr_start;
	ElfW(Ehdr) file;
	ElfW(Phdr) part;
	size_t n = 0;

	memcpy(&file, base, sizeof(file));
	for (int i = 0; n == 0 && i < file.e_phnum; i++) {
		memcpy(&part, base + file.e_phoff + (size_t)i * sizeof(part), sizeof(part));
		if (part.p_type == PT_NOTE && part.p_align <= 4)
			n = note_find(base + part.p_vaddr, part.p_memsz, ret);
	}
	return n;
}
