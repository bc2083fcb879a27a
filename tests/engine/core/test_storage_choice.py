import numpy as np
import pytest

from workbench.engine.core.footprint import Containers, Encoding, Storage, TensorShape
from workbench.engine.core.storage_choice import (
    STORAGES,
    possible_storages,
    size_column,
    smallest_rows,
    tables_read,
    unprofitable_tables,
)

DENSE, BYTES, THREE = Storage(Encoding.DENSE), Storage(Encoding.BITS, 8), Storage(Encoding.BITS, 3)
MASK = Storage(Encoding.MASK, 3)
CODES, FIELD, MASKS = ("codes", 3, 0), ("field", 4, 8), ("mask", 1, 0)


def chosen(*tensors: dict[Storage, int], overhead: dict[tuple[str, int, int], int]) -> list[Storage]:
    sizes = np.stack([size_column(tensor) for tensor in tensors], axis=1)
    rows = smallest_rows(sizes, unprofitable_tables(sizes, overhead))
    return [STORAGES[row] for row in rows.tolist()]


def test_three_bits_in_one_small_tensor_do_not_pay_for_their_tables():
    # 60 bytes saved, 250 for the tables of the codes and of the field above them.
    tensor = {THREE: 40, BYTES: 100, DENSE: 400}

    assert chosen(tensor, overhead={CODES: 150, FIELD: 100}) == [BYTES]


def test_five_such_tensors_together_do():
    tensor = {THREE: 40, BYTES: 100, DENSE: 400}

    assert chosen(*5 * [tensor], overhead={CODES: 150, FIELD: 100}) == 5 * [THREE]


def test_two_tables_that_pay_for_themselves_only_without_one_another_go_together():
    # Without the codes alone 30 bytes are lost and 20 saved, without masks alone too; without both 35 and 40.
    tensor = {MASK: 65, Storage(Encoding.MASK, 8): 95, THREE: 95, BYTES: 100}

    assert chosen(tensor, overhead={CODES: 20, MASKS: 20}) == [BYTES]


def test_rounded_floats_are_kept_where_codes_with_their_nodes_are_larger():
    assert chosen({THREE: 300, BYTES: 300, DENSE: 40}, overhead={}) == [DENSE]


def test_the_tables_that_are_read_are_those_of_the_chosen():
    assert tables_read(np.array([STORAGES.index(MASK)])) == {CODES, FIELD, MASKS}


def test_integer_kernels_read_codes_and_never_floats():
    tensor = TensorShape(num_weights=10, num_kept=5, bits=6, num_scales=1)

    found = list(possible_storages(tensor, as_codes=True))

    assert [storage.bits for storage in found if storage.encoding is Encoding.BITS] == [6, 7, 8]
    assert all(storage.bits is not None for storage in found)


@pytest.mark.parametrize(
    ("bits", "containers", "expected"),
    [
        (None, Containers.STANDARD, DENSE),
        (2, Containers.STANDARD, Storage(Encoding.PLAIN, 4)),
        (4, Containers.STANDARD, Storage(Encoding.PLAIN, 4)),
        (5, Containers.STANDARD, Storage(Encoding.PLAIN, 8)),
        (8, Containers.STANDARD, Storage(Encoding.PLAIN, 8)),
        (4, Containers.WHOLE_BYTES, Storage(Encoding.PLAIN, 8)),
    ],
    ids=["float", "2 bit", "4 bit", "5 bit", "8 bit", "4 bit in whole bytes"],
)
def test_standard_containers_leave_no_choice(bits: int | None, containers: Containers, expected: Storage):
    tensor = TensorShape(num_weights=10, num_kept=5, bits=bits, num_scales=1 if bits else 0)

    assert list(possible_storages(tensor, containers=containers)) == [expected]
