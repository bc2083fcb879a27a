"""Where cells lie, by hand."""

from workbench.gui.widgets.heat_grid import CAPTION_PIXELS, HeatGrid, fitted_column, fitted_row

# Two sections of two rows and one row of 20 pixels, ten columns of 30.
GRID = HeatGrid((2, 1), 10, left=50, top=0, width=200, height=200, column=30, row=20)


def test_a_cell_is_found_where_it_is_drawn():
    for column in range(6):
        for row in range(3):
            at = GRID.x_of(column) + 1, GRID.y_of(row) + 1
            assert GRID.cell_at(*at) == (column, row)


def test_titles_and_heads_are_no_cells():
    assert GRID.cell_at(60, CAPTION_PIXELS - 1) is None
    assert GRID.cell_at(60, GRID.caption_y(1) + 1) is None
    assert GRID.cell_at(20, 30) is None


def test_what_lies_above_the_first_row_of_a_section_belongs_to_it():
    assert GRID.y_of(2) - 0.4 * GRID.row == GRID.y_of(1.6)


def test_only_columns_in_sight_are_painted():
    scrolled = HeatGrid((1,), 100, 50, 0, 200, 100, 10, 20, scrolled_x=105)

    assert scrolled.columns_in_sight == (10, 31)
    assert scrolled.column_at(50) == 10


def test_few_layers_fill_the_room_and_many_scroll():
    assert fitted_column(20, 600) == 30
    assert fitted_column(300, 600) == 9
    assert fitted_row((5, 4), 2 * CAPTION_PIXELS + 9 * 30) == 30
