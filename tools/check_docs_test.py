"""Plants one fault of each kind into the documents and expects check_docs to name it."""
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import check_docs  # noqa: E402

REAL = check_docs.read

# A program with one command of two levels and one with an option.
PROGRAM = """#!/bin/sh
case "$*" in
  --help) printf 'Usage\\n\\nOptions:\\n  -h,--help  x\\n  --version  x\\n\\nSubcommands:\\n  data  x\\n  run   x\\n\\n' ;;
  "data --help") printf 'Options:\\n  -h,--help  x\\n\\nSubcommands:\\n  list  x\\n\\n' ;;
  "data list --help") printf 'Options:\\n  -h,--help  x\\n  -p,--project TEXT  x\\n' ;;
  "run --help") printf 'Options:\\n  -h,--help  x\\n  --var TEXT ...  x\\n' ;;
  *) exit 2 ;;
esac
"""


def found(check, document: str, old: str, new: str) -> list[str]:
    """What the check says when `old` stands as `new` in the document."""
    def changed(path: str) -> str:
        text = REAL(path)
        if path != document:
            return text
        assert old in text, f"{old!r} is not in {path}"
        return text.replace(old, new, 1)
    with mock.patch.object(check_docs, "read", changed):
        return [finding.text for finding in check()]


class InStep(unittest.TestCase):
    def test_the_documents_are(self):
        for check in (check_docs.check_codes, check_docs.check_keywords, check_docs.check_project_keys,
                      check_docs.check_server_keys, check_docs.check_routes, check_docs.check_rooms):
            self.assertEqual([], [str(finding) for finding in check()])


class Planted(unittest.TestCase):
    def expect(self, texts: list[str], *words: str) -> None:
        self.assertEqual(len(words), len(texts), texts)
        for text, word in zip(texts, words):
            self.assertIn(word, text)

    def test_code_renamed(self):
        self.expect(found(check_docs.check_codes, "docs/reference/diagnostics.md", "### `yaml-syntax`", "### `yaml-spelling`"),
                    "yaml-syntax is in the code and not here", "yaml-spelling is here and not in the code")

    def test_keyword_missing(self):
        self.expect(found(check_docs.check_keywords, "docs/reference/pipeline-keywords.md", "| `coverage` | yes |", "| nothing | yes |"),
                    "kJob: coverage is in the code")

    def test_keyword_with_another_support(self):
        self.expect(found(check_docs.check_keywords, "docs/reference/pipeline-keywords.md", "| `func` | refused |", "| `func` | yes |"),
                    "func is refused in the code, yes here")

    def test_keyword_of_a_list(self):
        self.expect(found(check_docs.check_keywords, "docs/reference/pipeline-keywords.md", "`cyclonedx` ", ""),
                    "kReports: cyclonedx is in the code")

    def test_project_key(self):
        self.expect(found(check_docs.check_project_keys, "docs/reference/tidegate-yml.md", "| `check_timeout` |", "| `patience` |"),
                    "check_timeout is in the code", "patience is here")

    def test_server_key(self):
        self.expect(found(check_docs.check_server_keys, "docs/reference/server-config.md", "| `reconcile_every` |", "| every |"),
                    "reconcile_every is in the code")

    def test_route(self):
        self.expect(found(check_docs.check_routes, "docs/reference/api.md", "/jobs/:jid/play`", "/jobs/:jid/start`"),
                    "jobs/:jid/play is in the code", "jobs/:jid/start is here")

    def test_import_table(self):
        self.expect(found(check_docs.check_rooms, "ARCHITECTURE.md", "| `image` | `base` |", "| `image` | `base`, `sys` |"),
                    "image may import base; the table says `base`, `sys`")

    def test_file_of_the_tree(self):
        self.expect(found(check_docs.check_rooms, "ARCHITECTURE.md", "`src/app/server/refs.cc`", "`src/app/server/pushes.cc`"),
                    "pushes.cc is not in the tree")

    def test_links(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(check_docs, "ROOT", Path(folder)):
            path = Path(folder) / "page.md"
            path.write_text("# A `b`: c\n[good](#a-b-c) [bad](#d)\n[gone](gone.md) `[code](gone.md)` [far](https://example.com)\n")
            self.assertEqual([2, 3], [finding.line for finding in check_docs.check_links(path)])


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        binary = Path(folder.name) / "program"
        binary.write_text(PROGRAM)
        binary.chmod(0o755)
        self.program = check_docs.Program(binary)

    def test_good(self):
        for words in (["--version"], ["run", "job", "--var=A=1"], ["data", "list", "-p", "a/b"], ["data", "list", "--help"]):
            self.assertIsNone(self.program.fault(words), words)

    def test_bad(self):
        for words in (["walk"], ["data"], ["run", "--project", "x"], ["data", "list", "--var", "A=1"], []):
            self.assertIsNotNone(self.program.fault(words), words)

    def test_found_in_blocks(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(check_docs, "ROOT", Path(folder)):
            path = Path(folder) / "page.md"
            path.write_text("```sh\ncd x && tidegate walk\nT=$(cat /var/lib/tidegate/token)\ntidegate run \\\n  --nope\n```\n```text\ntidegate walk\n```\n")
            self.assertEqual([2, 4], [finding.line for finding in check_docs.check_commands(path, self.program)])


if __name__ == "__main__":
    unittest.main()
