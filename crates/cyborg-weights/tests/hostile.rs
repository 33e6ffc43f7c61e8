//! Files made to hurt: all of them are refused (or read), quickly, without a panic and without the memory they claim.
//!
//! One test, so that the process's memory is this test's.

use cyborg_weights::{WeightsError, read};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// Above what this process had, in KiB: far below every claim here. glibc reserves 64 MiB for each thread's heap.
const BEARABLE_KIB: u64 = 400 << 10;

/// A folder with one file in it.
struct Bench {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Bench {
    fn read(&self, bytes: &[u8]) -> Result<cyborg_weights::Weights, WeightsError> {
        // A new file each time: ext4 flushes one that is written over, which takes 3 ms.
        let _ = fs::remove_file(&self.path);
        fs::write(&self.path, bytes).expect("written");
        read(&self.path)
    }

    /// Refused, and the message says it.
    fn refuses(&self, what: &str, bytes: &[u8], said: &str) {
        let message = self.read(bytes).expect_err(what).to_string();
        assert!(message.contains(said), "{what}: {message}");
        assert!(message.len() < 1000, "{what}: a message of {} bytes", message.len());
    }
}

/// Largest size of this process so far; None where the system does not tell.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmPeak:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn nothing_hurts() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench { path: folder.path().join("weights"), _folder: folder };
    // Whatever threads and tables come with the first read.
    assert!(bench.read(&safetensors("{}", 0)).is_ok());
    let before = peak_kib();
    false_headers(&bench);
    false_pickles(&bench);
    false_archives(&bench);
    false_tensors(&bench);
    mutated_files(&bench);
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(after - before < BEARABLE_KIB, "memory grew by {} KiB", after - before);
    }
}

fn safetensors(header: &str, n_data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + n_data, 0);
    bytes
}

fn false_headers(bench: &Bench) {
    let claimed = |n: u64| [&n.to_le_bytes()[..], b"{\"a\":1}          "].concat();
    for n in [1 << 32, u64::from(u32::MAX), u64::MAX, 100_000_001, 18] {
        bench.refuses("a long header", &claimed(n), "its header claims");
    }
    let entry = |dtype: &str, shape: &str, from: u64, to: u64| {
        format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    };
    let (a, b) = (entry("F32", "[2]", 0, 8), entry("F32", "[2]", 4, 12));
    for (what, header, n_data) in [
        ("overlapping", format!("{{\"a\":{a},\"b\":{b}}}"), 12),
        ("the same bytes", format!("{{\"a\":{a},\"b\":{a}}}"), 8),
        ("a hole", format!("{{\"a\":{a},\"b\":{}}}", entry("F32", "[1]", 12, 16)), 16),
        ("out of range", format!("{{\"a\":{}}}", entry("F32", "[2]", 8, 16)), 8),
        ("backwards", format!("{{\"a\":{}}}", entry("F32", "[2]", 8, 0)), 8),
        ("too short", format!("{{\"a\":{a}}}"), 7),
        ("too long", format!("{{\"a\":{a}}}"), 9),
        ("another size", format!("{{\"a\":{}}}", entry("F64", "[2]", 0, 8)), 8),
        ("another type", format!("{{\"a\":{}}}", entry("F33", "[2]", 0, 8)), 8),
        ("a huge shape", format!("{{\"a\":{}}}", entry("F32", "[4294967296,4294967296]", 0, 8)), 8),
        ("a huge tensor", format!("{{\"a\":{}}}", entry("F32", "[1099511627776]", 0, 4398046511104)), 8),
        ("a negative shape", format!("{{\"a\":{}}}", entry("F32", "[-2]", 0, 8)), 8),
        ("no JSON", "{\"a\":".to_owned(), 0),
        ("no object", "[]".to_owned(), 0),
        ("deep", "[".repeat(100_000), 0),
        ("deep inside", format!("{{\"a\":{}", "{\"b\":".repeat(100_000)), 0),
    ] {
        bench.refuses(what, &safetensors(&header, n_data), "it is not a whole safetensors file");
    }
    let odd = format!("{{\"a\":{}}}", entry("F8_E4M3", "[8]", 0, 8));
    bench.refuses("an odd type", &safetensors(&odd, 8), "`a` is F8_E4M3; convert them to float32");
    // Larger than can be: nothing of it is looked at.
    fs::write(&bench.path, safetensors("{}", 0)).expect("written");
    let file = fs::OpenOptions::new().write(true).open(&bench.path).expect("there");
    file.set_len(1 << 40).expect("a file with a hole");
    let message = read(&bench.path).expect_err("a terabyte").to_string();
    assert!(message.contains("it has 1024 GiB, at most 8 GiB are read"), "{message}");
}

/// A pickle of protocol 2.
fn pickle(instructions: &[u8]) -> Vec<u8> {
    [b"\x80\x02", instructions, b"."].concat()
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// What `torch.save` wrote before 1.6, with this object, these storages and their bytes.
fn legacy(object: &[u8], keys: &[&str], storages: &[u8]) -> Vec<u8> {
    let magic = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    let listed: Vec<u8> = keys.iter().flat_map(|key| text(key)).collect();
    let keys = [b"](".as_slice(), &listed, b"e"].concat();
    [pickle(magic), pickle(b"M\xe9\x03"), pickle(b"}"), pickle(object), pickle(&keys), storages.to_vec()]
        .concat()
}

/// A storage of floats as pickles speak of it.
fn storage(key: &str, n: i32) -> Vec<u8> {
    [
        b"(".as_slice(),
        &text("storage"),
        &global("torch", "FloatStorage"),
        &text(key),
        &text("cpu"),
        b"J",
        &n.to_le_bytes(),
        b"tQ",
    ]
    .concat()
}

/// A tensor of that storage.
fn tensor(storage: &[u8], offset: &[u8], size: &[u8], stride: &[u8]) -> Vec<u8> {
    [
        &global("torch._utils", "_rebuild_tensor_v2"),
        b"(".as_slice(),
        storage,
        offset,
        size,
        stride,
        b"\x89NtR",
    ]
    .concat()
}

fn long(n: i64) -> Vec<u8> {
    [b"\x8a\x08".as_slice(), &n.to_le_bytes()].concat()
}

/// `{"x": value}`
fn dict(value: &[u8]) -> Vec<u8> {
    [b"}".as_slice(), &text("x"), value, b"s"].concat()
}

fn false_pickles(bench: &Bench) {
    let n = 1_000_000;
    // (what, object, said)
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("an empty stack", b"0".to_vec(), "empty stack"),
        ("no mark", b"NNt".to_vec(), "mark that is not there"),
        ("below a mark", b"N(\x85".to_vec(), "empty stack"),
        ("an unknown instruction", b"\xff".to_vec(), "instruction 0xff"),
        ("extension codes", b"\x82\x01".to_vec(), "instruction 0x82"),
        ("a memo that is not there", b"h\x07".to_vec(), "recalls 7"),
        (
            "a text of 4 GiB",
            b"X\xff\xff\xff\xffabc".to_vec(),
            "it ends where 4294967295 more bytes should be",
        ),
        ("a text of 2^63 bytes", b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc".to_vec(), "more bytes should be"),
        ("bytes of 2^64", b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc".to_vec(), "more bytes should be"),
        ("a number of 4 GiB", b"\x8b\xff\xff\xff\xff".to_vec(), "more bytes should be"),
        ("a key without value", b"}(Nu".to_vec(), "has no value"),
        ("items of a number", b"K\x01NNs".to_vec(), "no dictionary"),
        ("appended to a number", b"K\x01Na".to_vec(), "no list"),
        ("attributes of a number", b"K\x01Nb".to_vec(), "attributes for a whole number"),
        ("a call of a number", b"K\x01)R".to_vec(), "it calls a whole number"),
        (
            "arguments that are none",
            [global("collections", "OrderedDict"), b"NR".to_vec()].concat(),
            "arguments are None",
        ),
        ("deep tuples", b"\x85".repeat(n).into_iter().rev().chain(*b"").collect::<Vec<u8>>(), "empty stack"),
        ("deep lists", [b"N".to_vec(), b"\x85".repeat(n)].concat(), "it holds a tuple"),
        ("many marks", b"(".repeat(n + (1 << 17)), "more than"),
        ("many values", b"N".repeat(n + (1 << 17)), "more than"),
        ("many copies", [b"N".to_vec(), b"2".repeat(n + (1 << 17))].concat(), "more than"),
        ("many places in the memo", [b"N".to_vec(), b"\x94".repeat(n + (1 << 17))].concat(), "more than"),
        (
            "a long name",
            [b"c".to_vec(), b"a".repeat(1000), b"\nb\n".to_vec()].concat(),
            "the name of a class has 1001 bytes",
        ),
        ("a list that holds itself", b"]q\x00h\x00a".to_vec(), "it holds a list"),
        (
            "a dictionary that holds itself",
            [b"}q\x00".to_vec(), text("state_dict"), b"h\x00s".to_vec()].concat(),
            "no dictionary of tensors",
        ),
    ];
    for (what, object, said) in cases {
        bench.refuses(what, &legacy(&object, &[], &[]), said);
    }
    // Twice as much each time: 2^60 values if anybody counted them.
    let mut bomb = b"]".to_vec();
    for _ in 0..60 {
        bomb.extend_from_slice(b"q\x00h\x00\x86");
    }
    bench.refuses("a bomb of tuples", &legacy(&bomb, &[], &[]), "it holds a tuple");
    // A dictionary of 60,000 entries made again and again from one list.
    let pairs: Vec<u8> = std::iter::once(b"](".as_slice())
        .chain(std::iter::repeat_n(b"NN\x86".as_slice(), 60_000))
        .flatten()
        .copied()
        .collect();
    let again = [b"h\x01h\x00R0".as_slice()].concat().repeat(10_000);
    let object =
        [&pairs, b"e\x85q\x000".as_slice(), &global("collections", "OrderedDict"), b"q\x010", &again, b"N"]
            .concat();
    bench.refuses("copied dictionaries", &legacy(&object, &[], &[]), "more than");
    // Calls within calls.
    let from_type = global("torch._tensor", "_rebuild_from_type_v2");
    let nested = [&from_type, b"(".as_slice(), &from_type, &global("torch", "Tensor"), b"))tR"].concat();
    bench.refuses("a call by a call", &legacy(&nested, &[], &[]), "`torch._tensor._rebuild_from_type_v2`");

    // Code, in each way that a pickle can ask for it.
    let evil = text("touch /tmp/cyborg-was-here");
    let system = global("os", "system");
    for (what, object) in [
        ("REDUCE", [&system, &evil, b"\x85R".as_slice()].concat()),
        ("NEWOBJ", [&system, &evil, b"\x85\x81".as_slice()].concat()),
        ("NEWOBJ_EX", [&system, &evil, b"\x85}\x92".as_slice()].concat()),
        ("OBJ", [b"(".as_slice(), &system, &evil, b"o"].concat()),
        ("INST", [b"(".as_slice(), &evil, b"ios\nsystem\n"].concat()),
        ("STACK_GLOBAL", [&text("os"), &text("system"), b"\x93".as_slice(), &evil, b"\x85R"].concat()),
        (
            "a class's instance",
            [&global("copyreg", "_reconstructor"), b"(".as_slice(), &system, b"NNtR"].concat(),
        ),
        (
            "a tensor's class",
            [&from_type, b"(".as_slice(), &global("torch._utils", "_rebuild_tensor_v2"), &system, b"))tR"]
                .concat(),
        ),
    ] {
        for object in [object.clone(), dict(&object)] {
            let error = bench.read(&legacy(&object, &[], &[])).expect_err(what);
            assert!(
                matches!(&error, WeightsError::Code { global, .. } if global == "os.system"),
                "{what}: {error}"
            );
        }
    }
    for name in ["eval", "exec", "getattr", "__import__", "open"] {
        let object = dict(&[global("builtins", name), evil.clone(), b"\x85R".to_vec()].concat());
        let error = bench.read(&legacy(&object, &[], &[])).expect_err(name);
        assert!(error.to_string().contains(&format!("`builtins.{name}`")), "{error}");
    }
    assert!(!Path::new("/tmp/cyborg-was-here").exists());
}

/// A zip archive of stored entries.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut table = Vec::new();
    for (name, content) in entries {
        let start = bytes.len() as u32;
        let n = content.len() as u32;
        // Versions and flags, method, time and date; checksum, sizes; lengths of name and extra field.
        let common: Vec<u8> = [
            &[0u8; 2][..],
            &[0; 2],
            &[0; 4],
            &crc32fast::hash(content).to_le_bytes(),
            &n.to_le_bytes(),
            &n.to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04\0\0".as_slice(), &common, name.as_bytes(), content].concat());
        table.extend(
            [b"PK\x01\x02\0\0\0\0".as_slice(), &common, &[0; 10], &start.to_le_bytes(), name.as_bytes()]
                .concat(),
        );
    }
    let (start, n) = (bytes.len() as u32, entries.len() as u16);
    bytes.extend(&table);
    let sizes = [(table.len() as u32).to_le_bytes(), start.to_le_bytes()].concat();
    bytes.extend(
        [b"PK\x05\x06\0\0\0\0".as_slice(), &n.to_le_bytes(), &n.to_le_bytes(), &sizes, &[0; 2]].concat(),
    );
    bytes
}

/// The same archive with all numbers of its table in 64 bits, as one of more than 4 GiB has them.
fn in_64_bits(archive: &[u8]) -> Vec<u8> {
    let end = archive.len() - 22;
    let number = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().expect("four bytes"));
    let start = number(end + 16) as usize;
    let mut table = Vec::new();
    let mut at = start;
    while archive[at..].starts_with(b"PK\x01\x02") {
        let name_length = usize::from(archive[at + 28]);
        let mut entry = archive[at..at + 46 + name_length].to_vec();
        // Length, compressed length and start go into the extra field with id 1, behind a field of another id.
        let wide =
            [number(at + 24), number(at + 20), number(at + 42)].map(|n| u64::from(n).to_le_bytes()).concat();
        let extra = [b"FB\x02\0xx".as_slice(), &[1, 0, 24, 0], &wide].concat();
        for field in [20, 24, 42] {
            entry[field..field + 4].copy_from_slice(&[0xff; 4]);
        }
        entry[30] = extra.len() as u8;
        table.extend([entry, extra].concat());
        at += 46 + name_length;
    }
    let n = u64::from(archive[end + 10]).to_le_bytes();
    let place = [(table.len() as u64).to_le_bytes(), (start as u64).to_le_bytes()].concat();
    let end64 = [b"PK\x06\x06".as_slice(), &44u64.to_le_bytes(), &[0; 12], &n, &n, &place].concat();
    let locator =
        [b"PK\x06\x07".as_slice(), &[0; 4], &((start + table.len()) as u64).to_le_bytes(), &[1, 0, 0, 0]];
    let last = [b"PK\x05\x06\0\0\0\0".as_slice(), &[0xff; 12], &[0; 2]].concat();
    [&archive[..start], &table, &end64, &locator.concat(), &last].concat()
}

/// `{"x": 1.0}` in the form of 1.6.
fn small_zip() -> Vec<u8> {
    let object = pickle(&dict(&tensor(&storage("0", 1), b"K\x00", b"K\x01\x85", b"K\x01\x85")));
    zip(&[("a/data.pkl", &object), ("a/data/0", &1f32.to_le_bytes())])
}

fn patched(mut bytes: Vec<u8>, at: usize, patch: &[u8]) -> Vec<u8> {
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

fn false_archives(bench: &Bench) {
    let good = small_zip();
    assert!(bench.read(&good).is_ok());
    let wide = in_64_bits(&good);
    let weights = bench.read(&wide).expect("as good");
    assert_eq!(weights.tensors["x"].to_vec1::<f32>().expect("floats"), [1.0]);
    let locator = wide.len() - 42;
    bench.refuses(
        "an end outside",
        &patched(wide.clone(), locator + 8, &[0xff; 8]),
        "its end lies outside the file",
    );
    bench.refuses(
        "an end elsewhere",
        &patched(wide.clone(), locator + 8, &[0; 8]),
        "its end is not where it should be",
    );
    let end64 = locator - 56;
    for (field, patch) in
        [(32, [0xff; 8]), (40, [0xff; 8]), (48, [0xff; 8]), (48, [0xf0, 0, 0, 0, 0, 0, 0, 0])]
    {
        bench.refuses(
            "64 bits",
            &patched(wide.clone(), end64 + field, &patch),
            "it is not a whole PyTorch file",
        );
    }
    let end = good.len() - 22;
    let table = good.windows(4).position(|four| four == b"PK\x01\x02").expect("a table");
    let second =
        table + 4 + good[table + 4..].windows(4).position(|four| four == b"PK\x01\x02").expect("a second");
    let full = [0xff; 4];
    for (what, bytes, said) in [
        ("no end", good[..end].to_vec(), "its end is missing"),
        (
            "a table outside",
            patched(good.clone(), end + 16, &[0xf0, 0xff, 0xff, 0x7f]),
            "does not fit into the file",
        ),
        (
            "a table of 4 GiB",
            patched(good.clone(), end + 12, &[0xfe, 0xff, 0xff, 0xff]),
            "does not fit into the file",
        ),
        ("too many entries", patched(good.clone(), end + 10, &[0xfe, 0xff]), "does not fit into the file"),
        ("an entry too many", patched(good.clone(), end + 10, &[3]), "does not fit into the file"),
        ("64 bits that are not there", patched(good.clone(), end + 16, &full), "does not fit into the file"),
        ("several parts", patched(good.clone(), end + 4, &[1]), "one of several parts"),
        ("no entry", patched(good.clone(), table, b"XXXX"), "an entry of its table of contents is cut"),
        (
            "an entry outside",
            patched(good.clone(), table + 42, &[0xf0, 0xff, 0xff, 0x7f]),
            "lies outside the file",
        ),
        (
            "a long entry",
            patched(
                patched(good.clone(), second + 20, &[0xfe, 0xff, 0xff, 0x7f]),
                second + 24,
                &[0xfe, 0xff, 0xff, 0x7f],
            ),
            "lies outside the file",
        ),
        ("an entry of 64 bits", patched(good.clone(), second + 20, &full), "is cut"),
        (
            "an entry elsewhere",
            patched(good.clone(), second + 42, &[3, 0, 0, 0]),
            "is not where it should be",
        ),
        ("the same entry twice", patched(good.clone(), second + 42, &[0, 0, 0, 0]), "overlap"),
        ("compressed", patched(good.clone(), second + 10, &[8]), "is compressed"),
        ("a bomb", patched(good.clone(), second + 24, &full), "is cut"),
        ("encrypted", patched(good.clone(), second + 8, &[1]), "is encrypted"),
        (
            "a damaged tensor",
            patched(good.clone(), table - 1, &[0x40]),
            "the checksum of its entry `a/data/0` does not fit",
        ),
        ("another name", patched(good.clone(), second + 46, b"b"), "storage `0`, which is not there"),
        ("no pickle", zip(&[("a/b", b"")]), "it has 0 entries `data.pkl`"),
        ("two pickles", zip(&[("a/data.pkl", b""), ("b/data.pkl", b"")]), "it has 2 entries `data.pkl`"),
        ("an empty pickle", zip(&[("a/data.pkl", b"")]), "it ends where 1 more bytes should be"),
        ("a big-endian file", zip(&[("a/data.pkl", &pickle(b"}")), ("a/byteorder", b"big")]), "big-endian"),
        ("no archive", b"PK\x03\x04 and so on".to_vec(), "its end is missing"),
    ] {
        bench.refuses(what, &bytes, said);
    }
    bench.refuses(
        "two entries of a name",
        &zip(&[("a/data.pkl", b""), ("a/data.pkl", b"")]),
        "two entries `a/data.pkl`",
    );
    let mut long_pickle = vec![b'N'; (64 << 20) + 1];
    long_pickle.push(b'.');
    bench.refuses("a pickle of 64 MiB", &zip(&[("a/data.pkl", &long_pickle)]), "its pickle has more than");
}

fn false_tensors(bench: &Bench) {
    // Four floats.
    let floats = [4u64.to_le_bytes().to_vec(), [0.0f32; 4].map(f32::to_le_bytes).concat()].concat();
    let sides = |sides: &[i64]| {
        [b"(".to_vec(), sides.iter().flat_map(|n| long(*n)).collect(), b"t".to_vec()].concat()
    };
    let make = |offset: i64, size: &[i64], stride: &[i64]| {
        let tensor = tensor(&storage("0", 4), &long(offset), &sides(size), &sides(stride));
        legacy(&dict(&tensor), &["0"], &floats)
    };
    assert!(bench.read(&make(0, &[2, 2], &[2, 1])).is_ok());
    assert!(bench.read(&make(0, &[2, 2], &[1, 2])).is_ok());
    // A side of 1 is never stepped along.
    assert!(bench.read(&make(3, &[1, 1], &[i64::MAX, i64::MAX])).is_ok());
    assert!(bench.read(&make(i64::MAX, &[0, 3], &[i64::MAX, 1])).is_ok());
    let large = 1 << 40;
    for (what, bytes, said) in [
        ("beyond", make(1, &[2, 2], &[2, 1]), "reaches beyond its storage of 16 bytes"),
        ("far beyond", make(i64::MAX, &[1], &[1]), "reaches beyond"),
        ("a stride beyond", make(0, &[2, 2], &[3, 1]), "reaches beyond"),
        ("a huge stride", make(0, &[3], &[i64::MAX]), "reaches beyond"),
        ("a huge shape", make(0, &[large, large], &[0, 0]), "more than any memory holds"),
        (
            "a terabyte of one float",
            make(0, &[large], &[0]),
            "its tensors claim 4398046511104 bytes, but are made of 16",
        ),
        ("a negative side", make(0, &[-1], &[1]), "a size or offset is -1"),
        ("a negative stride", make(0, &[2], &[-1]), "a size or offset is -1"),
        ("a stride too few", make(0, &[2, 2], &[1]), "2 sides and 1 strides"),
        ("nine dimensions", make(0, &[1; 9], &[1; 9]), "9 dimensions"),
    ] {
        bench.refuses(what, &bytes, said);
    }
    // 40,000 names for 64 KiB: 2.5 GiB if each were made.
    let n = 1 << 14;
    let one = tensor(
        &storage("0", n),
        b"K\x00",
        &[b"J".as_slice(), &n.to_le_bytes(), b"\x85"].concat(),
        b"K\x01\x85",
    );
    let mut object = [b"}q\x000".to_vec(), one, b"q\x010h\x00(".to_vec()].concat();
    for index in 0..40_000 {
        object.extend(text(&format!("t{index}")));
        object.extend(b"h\x01");
    }
    object.push(b'u');
    let bytes = [(n as u64).to_le_bytes().to_vec(), vec![0; 4 * n as usize]].concat();
    bench.refuses("shared by many", &legacy(&object, &["0"], &bytes), "but are made of 65536");

    // Storages that are not what they say.
    let one = |claimed: i32| dict(&tensor(&storage("0", claimed), b"K\x00", b"K\x01\x85", b"K\x01\x85"));
    for (what, bytes, said) in [
        (
            "another length",
            legacy(&one(5), &["0"], &floats),
            "claims 5 elements of `FloatStorage` and has 16 bytes",
        ),
        ("cut", legacy(&one(4), &["0"], &floats[..20]), "it ends before its storage `0`"),
        ("no length", legacy(&one(4), &["0"], &floats[..4]), "it ends before its storage `0`"),
        ("a length of 2^64", legacy(&one(4), &["0"], &[0xff; 8]), "it ends before its storage `0`"),
        ("not listed", legacy(&one(4), &[], &floats), "is of storage `0`, which is not there"),
        (
            "listed twice",
            legacy(&one(4), &["0", "0"], &[floats.clone(), floats.clone()].concat()),
            "is listed twice",
        ),
        ("of no tensor", legacy(&one(4), &["1"], &floats), "no tensor is of its storage `1`"),
    ] {
        bench.refuses(what, &bytes, said);
    }
}

fn mutated_files(bench: &Bench) {
    let golden = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        fs::read(path).expect("a golden file")
    };
    let path = bench.path.with_extension("safetensors");
    let weights = bench.read(&golden("zip.pth")).expect("whole");
    let metadata = [("a".to_owned(), "b".to_owned())].into();
    cyborg_weights::write(&path, &weights.tensors, &metadata).expect("written");
    let whole = [golden("zip.pth"), golden("legacy.pth"), small_zip(), fs::read(&path).expect("there")];
    let (mut n_read, mut n_refused) = (0, 0);
    let mut count = |bytes: &[u8]| match bench.read(bytes) {
        Ok(_) => n_read += 1,
        Err(_) => n_refused += 1,
    };
    for bytes in &whole {
        for end in (0..bytes.len()).step_by(7) {
            count(&bytes[..end]);
        }
        let mut mutated = bytes.clone();
        for at in 0..bytes.len() {
            mutated[at] ^= [0x01, 0x80, 0xff][at % 3];
            count(&mutated);
            mutated[at] = bytes[at];
        }
    }
    // The pickle of an archive whose checksums fit, and several bytes at a time.
    let object = pickle(&dict(&tensor(&storage("0", 1), b"K\x00", b"K\x01\x85", b"K\x01\x85")));
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..1000 {
        let mut mutated = object.clone();
        for _ in 0..3 {
            // xorshift (Marsaglia 2003).
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = (random >> 16) as usize % mutated.len();
            mutated[at] = random as u8;
        }
        count(&zip(&[("a/data.pkl", &mutated), ("a/data/0", &1f32.to_le_bytes())]));
    }
    // Some changes hit values and names only.
    assert!(n_read > 100 && n_refused > 1000, "{n_read} read, {n_refused} refused");
}
