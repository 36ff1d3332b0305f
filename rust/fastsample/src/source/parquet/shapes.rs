//! Thrift shapes of the parts of a footer whose values are not used, as `parquet` reads them.

use super::thrift::Shape::{self, Binary, Bool, Double, I8, I32, I64, List, Struct};

const NOTHING: Shape = Struct(&[]);

/// `list<KeyValue>`.
pub(super) const KEY_VALUES: Shape = List(&KEY_VALUE);

const KEY_VALUE: Shape = Struct(&[(1, Binary), (2, Binary)]);

/// `list<ColumnOrder>`.
pub(super) const COLUMN_ORDERS: Shape = List(&Struct(&[(1, NOTHING), (2, NOTHING)]));

/// `list<SortingColumn>`.
pub(super) const SORTING_COLUMNS: Shape = List(&Struct(&[(1, I32), (2, Bool), (3, Bool)]));

/// `list<Encoding>`.
pub(super) const ENCODINGS: Shape = List(&I32);

const TIME: Shape = Struct(&[(1, Bool), (2, Struct(&[(1, NOTHING), (2, NOTHING), (3, NOTHING)]))]);

/// `LogicalType`.
pub(super) const LOGICAL_TYPE: Shape = Struct(&[
    (1, NOTHING),
    (2, NOTHING),
    (3, NOTHING),
    (4, NOTHING),
    (5, Struct(&[(1, I32), (2, I32)])),
    (6, NOTHING),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, I8), (2, Bool)])),
    (11, NOTHING),
    (12, NOTHING),
    (13, NOTHING),
    (14, NOTHING),
    (15, NOTHING),
    (16, Struct(&[(1, I8)])),
    (17, Struct(&[(1, Binary)])),
    (18, Struct(&[(1, Binary), (2, I32)])),
]);

const STATISTICS: Shape = Struct(&[
    (1, Binary),
    (2, Binary),
    (3, I64),
    (4, I64),
    (5, Binary),
    (6, Binary),
    (7, Bool),
    (8, Bool),
]);

const GEOSPATIAL_STATISTICS: Shape = Struct(&[
    (
        1,
        Struct(&[
            (1, Double),
            (2, Double),
            (3, Double),
            (4, Double),
            (5, Double),
            (6, Double),
            (7, Double),
            (8, Double),
        ]),
    ),
    (2, List(&I32)),
]);

/// Fields of `ColumnMetaData` that are lists and structs.
pub(super) const COLUMN_REST: [(i16, Shape); 6] = [
    (3, List(&Binary)),
    (8, List(&KEY_VALUE)),
    (12, STATISTICS),
    (13, List(&Struct(&[(1, I32), (2, I32), (3, I32)]))),
    (16, Struct(&[(1, I64), (2, List(&I64)), (3, List(&I64))])),
    (17, GEOSPATIAL_STATISTICS),
];
