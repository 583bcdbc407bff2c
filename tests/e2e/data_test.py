"""Data lands → version → candidate → pipeline → main, or not."""
import unittest

import story
from harness import Folder, Server


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder("data")
        cls.server = Server(cls.folder.path).start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()
        cls.folder.remove()


story.add_tests(Data, 20, 29)

if __name__ == "__main__":
    unittest.main()
