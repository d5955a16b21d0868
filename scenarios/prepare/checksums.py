"""The SHA-256 of each file made by a recipe, by task and path under `prepared/`."""

__all__ = ["SUMS"]

SUMS: dict[str, dict[str, str]] = {
    "adult-income": {
        "public/train.csv": "c3f4330ec5069f08b5962330c7902eb3487c3e3b54d6726c5b0463e3e635a344",
        "public/test.csv": "350f28a0108b479a7f50f4ad98684693219bd69854fa7c699cbf2708498f7468",
        "public/sample_submission.csv": "60b09cc8eace7c17147d55cfe64c1a767382424918e908147e3da0cccdb7687a",
        "private/answers.csv": "53bb55e6bbe555d10bd45fab2e6c6bf9c39c8001a82f29b8bc40c26883c2b224",
    },
    "flight-delay": {
        "public/train.csv": "94cb275959b3eabe857e9d926e5a27a8c7d0a9c4338a655b42a5ca4a91203563",
        "public/test.csv": "dec633cecc110c69234174c1baadc7b0a5fa8291bdb17f21e68f1ef815d94b5a",
        "public/sample_submission.csv": "da386775e95b4e9a77ad8b4aa0b9f3065f467464f610eeb18542b2c918da11e1",
        "private/answers.csv": "a5946b23d994ac51e89c9f15f16e9e49896b123b351fbf4cd424942aa6aed672",
        "public/weather.csv": "e8b64b9cbae625da08b6c416d636fdb3c82d1f08124f0bbf82f1bc5e87b3511c",
        "public/planes.csv": "1d82b22d495c9e7781bcdb8423c3fc9c7d2f7874e9c0d8f8d9b6f394328982bc",
        "public/airports.csv": "049d9ecf367799dfc15eaec87ec0003c5b33a98c5bd7e4b357c945d924ce2924",
    },
    "ames-prices": {
        "public/train.csv": "6674a2f6a4be5042dbca3b8bb99e23561d919f32e82248149a328abd02b37dc8",
        "public/test.csv": "d4f766b35f259f5b41bb056eafad2b79e391c33f73d61247ec8538de0aea6596",
        "public/sample_submission.csv": "ec6134639fb37e21634acaf0aaceaa191e6553f8a5b798a6ba4c7f450db6a97a",
        "private/answers.csv": "f932e64c091140e3c0f4d2b4b354b960ca563ebb4e3b46e5e6c9624cf1d9dd8b",
    },
    "flavia-leaves": {
        "public/train.csv": "c903b37a92121b360b8d0bf0ee8e7ae8415e891714988b080b6738effea56e00",
        "public/test.csv": "263c63d48be6c15174db40b372771825c955f7688bcd56220ada2e0c12d792ec",
        "public/sample_submission.csv": "250a54184a8fa1b729f92ff9d32bb25b156ad30695a8a4076e9fd7eb0f5f2529",
        "private/answers.csv": "12d654ea4a65a0dc163fbed068e834d57545a8d08e503ef7ade8174fc4c84c32",
    },
    "loan-grade": {
        "public/train.csv": "0413c1fd36fefba1e746cc0a091cdda9d5bbd9ac3e6e92cd8087db7c6f9d7eab",
        "public/test.csv": "eaa3b963230288cdc61b4dc5f86be4833f767018af3b749fc04b3a63ccdc9ff7",
        "public/sample_submission.csv": "e8c68304fed7bd665db13def0cef2390fb689472b94ede37e66228501593ba85",
        "private/answers.csv": "dedde4fbb0a4666649adaa50805cf75a728501a52578f874beac02c551e3dca2",
    },
    "newsgroups": {
        "public/train.csv": "53294305d25496135241b4a81bb535f2a10ce95a1e4a1b2c4d81966990c29e02",
        "public/test.csv": "e0f010a4aef9aa52dd2ee5b2536942685e269b73d19903ab83b7fd1e35c8cf1d",
        "public/sample_submission.csv": "b4b440da8e339d0cb008dd823614420927b6b40e7aae3dfd96708d8c0a80e653",
        "private/answers.csv": "ff4d8d2cc5c8292aa9d60d46311707db809d5724ac5d2fc2c3688ef3fcfc1295",
    },
    "chicago-ridership": {
        "public/train.csv": "7743cf0ed66c0778d477ca3c141fe943338cb9effb25c4fb94f20d77ca7818ae",
        "public/test.csv": "04d94ef9e12a585fac898ec99984ba6574ab5d14907ead5f5dc66219d8e14f26",
        "public/sample_submission.csv": "26112b1973435992570e3bf33e46d8c619b88e3e6c0c08be9e460fad53ce0aed",
        "private/answers.csv": "a0db96fe6e60f1d2705b1e6db50a7262c87cb5a77c2181dde3b874d7e5569466",
    },
    "mnist-5k": {
        "public/train.csv": "20128dac5d490b06322db4a516dc05d8f77aba0e6bc2397f561cbbee9afaef2c",
        "public/test.csv": "d023999cd1d1642452d1e153fbafbaca8f11b57131aba312b4b0f7e0ed503ec8",
        "public/sample_submission.csv": "84d68faad8e99b79c58f3afc53f92306d27f8bda6a05bb1f579837d1fb03993a",
        "private/answers.csv": "090fb31f3b29b0ce31fc67f36ae63e7639bb6fb4bc9846daa685284eca86c842",
        "public/images/": "e13e4c17d9d518b7e3f3eff37277fe8a87468b13e9c6935bb46eebe317f1b738",
    },
}
