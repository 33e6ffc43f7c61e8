//! Every fault of rows: file, line, and what would be right.

use cyborg_manifest::ManifestError;
use insta::assert_snapshot;

use crate::folder::{Folder, HEADER, TABLE};

#[test]
fn all_faults_of_a_table_are_told_with_their_lines() {
    let rows = "\
a.png,authentic,,,train,
b.png,fake,,,train,
c.png,Authentic,,,train,
d.png,synthetic,,,validate,
,synthetic,,,train,
../e.png,synthetic,,,train,
/f.png,synthetic,,,train,
g.png,synthetic,,,train,../map.png
h.png,synthetic
.,synthetic,,,test,
";
    assert_snapshot!(Folder::with_rows(rows).open_fault(), @r"
        data set `faces` states rows that cannot be used: 9 faults
        - rows.csv:3: label `fake` is no class of this data set; valid are `authentic`, `synthetic`
        - rows.csv:4: label `Authentic` is no class of this data set; did you mean `authentic`?
        - rows.csv:5: unknown split `validate`; did you mean `validation`?
        - rows.csv:6: image: the path is empty
        - rows.csv:7: image: path `../e.png` leaves the root (`..`)
        - rows.csv:8: image: path `/f.png` is absolute, but must start from the root of the data set
        - rows.csv:9: map: path `../map.png` leaves the root (`..`)
        - rows.csv:10: this row has 2 fields, but the header has 6
        - rows.csv:11: image: path `.` is a folder
        ");
}

#[test]
fn many_faults_are_counted() {
    let rows: String = (0..50).map(|i| format!("{i}.png,fake,,,train,\n")).collect();
    let message = Folder::with_rows(&rows).open_fault();
    assert!(
        message.starts_with("data set `faces` states rows that cannot be used: 50 faults\n- rows.csv:2: "),
        "{message}"
    );
    assert!(message.ends_with("- rows.csv:21: label `fake` is no class of this data set; valid are `authentic`, `synthetic`\n- and 30 more"), "{message}");
}

#[test]
fn an_image_may_not_contradict_itself() {
    let rows = "\
a.png,authentic,x,,train,
b.png,authentic,x,1,train,m.png
./a.png,synthetic,x,,train,
a.png,authentic,x,,test,
a.png,authentic,y,,train,
b.png,authentic,x,2,train,m.png
b.png,authentic,x,1,train,
a.png,authentic,x,,train,
";
    assert_snapshot!(Folder::with_rows(rows).open_fault(), @r"
        data set `faces` states rows that cannot be used: 5 faults
        - rows.csv:4: image `a.png` has label `synthetic`, but label `authentic` at rows.csv:2
        - rows.csv:5: image `a.png` has split `test`, but split `train` at rows.csv:2
        - rows.csv:6: image `a.png` has source `y`, but source `x` at rows.csv:2
        - rows.csv:7: image `b.png` has subject `2`, but subject `1` at rows.csv:3
        - rows.csv:8: image `b.png` has map none, but map `m.png` at rows.csv:3
        ");
}

#[test]
fn line_numbers_are_an_editors() {
    // A quoted line break, lines that end in CR LF, an empty line, a byte order mark.
    for (newline, mark) in [("\n", ""), ("\r\n", ""), ("\r\n", "\u{feff}")] {
        let lines = [
            HEADER.trim_end(),
            "\"a\nb.png\",authentic,,,train,",
            "",
            "c.png,fake,,,train,",
            "d.png,authentic,,,x,",
            "",
        ];
        let folder = Folder::with_manifest(TABLE);
        folder.write("rows.csv", format!("{mark}{}", lines.join(newline)));
        let message = folder.open_fault();
        assert!(message.contains("rows.csv:5: label `fake`"), "{newline:?}: {message}");
        assert!(message.contains("rows.csv:6: unknown split `x`"), "{newline:?}: {message}");
    }
}

#[test]
fn a_table_must_have_the_columns() {
    let folder = Folder::with_manifest(TABLE);
    folder.write("rows.csv", "image,label,source,subjects,split,map\n");
    assert_snapshot!(folder.open_fault(), @r"cannot use `rows.csv` of data set `faces`: it has no column `subject`; did you mean `subjects`?");
    folder.write("rows.csv", "image,label,source,subject,split,map,label\n");
    assert_snapshot!(folder.open_fault(), @r"cannot use `rows.csv` of data set `faces`: it has two columns `label`: rename one");
    folder.write("rows.csv", "");
    assert_snapshot!(folder.open_fault(), @r"cannot use `rows.csv` of data set `faces`: it is empty, but must begin with a header line");
}

#[test]
fn a_table_without_rows_is_empty() {
    let error = Folder::with_rows("").open().unwrap_err();
    assert!(matches!(error, ManifestError::Empty { .. }));
    assert_snapshot!(error, @r"data set `faces` holds no image: its table has no row");
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_line() {
    let folder = Folder::with_manifest(TABLE);
    folder.write(
        "rows.csv",
        [HEADER.as_bytes(), b"a.png,authentic,,,train,\nb\xff.png,authentic,,,train,\n"].concat(),
    );
    assert_snapshot!(folder.open_fault(), @r"data set `faces` states rows that cannot be used: rows.csv:3: this row is not UTF-8: store the file in UTF-8");
}

#[test]
fn a_broken_parquet_table_is_refused() {
    let folder = Folder::with_manifest(&TABLE.replace("rows.csv", "rows.parquet"));
    folder.write("rows.parquet", "PAR1 but no more");
    assert!(matches!(folder.open().unwrap_err(), ManifestError::Table { .. }));
}

#[test]
fn all_faults_of_a_list_are_told_with_their_lines() {
    let folder = Folder::with_manifest(
        "layout:\n  released-list:\n    lists: [{file: lists/a.csv}]\n    labels: {Real: authentic, Synthetic: synthetic}\n",
    );
    folder.write(
        "lists/a.csv",
        "train,Real,/a.png\ntrian,Real,/b.png\ntrain,Rael,/c.png\ntrain,Real\ntrain,Real,/../d.png\ntest,Synthetic,/a.png\n",
    );
    assert_snapshot!(folder.open_fault(), @r"
        data set `faces` states rows that cannot be used: 5 faults
        - lists/a.csv:2: unknown split `trian`; did you mean `train`?
        - lists/a.csv:3: label `Rael` is no class of this data set; did you mean `Real`?
        - lists/a.csv:4: a line must be `train|test,LABEL,/path`, but this one has 2 fields
        - lists/a.csv:5: path `../d.png` leaves the root (`..`)
        - lists/a.csv:6: image `a.png` has label `synthetic`, but label `authentic` at lists/a.csv:1
        ");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let folder = Folder::with_manifest(TABLE);
    let error = folder.open().unwrap_err();
    assert!(matches!(error, ManifestError::Missing { .. }));
    assert_snapshot!(folder.message(&error), @r"
        data set `faces` (Faces) is missing: there is no table `DIR/rows.csv`
          obtain it: ask me
          put it at: `DIR`, or at `BASE/faces` and say `--data-root BASE`
          or run the same experiment on drawn images: `--phantom`
        ");
    let folder = Folder::with_manifest("layout:\n  released-list:\n    lists: [{file: lists/a.csv}]\n");
    assert!(folder.open_fault().contains("there is no list `DIR/lists/a.csv`"));
    let folder = Folder::with_manifest(
        "layout:\n  folders:\n    include: [{path: real, class: authentic, split: test}]\n",
    );
    assert!(folder.open_fault().contains("there is no folder `DIR/real`"));
    fs_err::create_dir(folder.path("real")).unwrap();
    folder.write("real/notes.txt", "no image");
    assert_snapshot!(folder.open_fault(), @r"data set `faces` holds no image: no file in `DIR/real` is an image");
}
