import base64

import html5lib
import nbformat
import pytest

from abtest.report.outputs import markdown_html, output_html
from abtest.report.sanitise import clean

PIXEL = base64.b64encode(b"\x89PNG not really").decode()


def output(kind="display_data", **parts):
    return nbformat.v4.new_output(kind, **parts)


def elements(markup):
    html5lib.HTMLParser(strict=True).parseFragment(markup)
    return html5lib.parseFragment(markup, namespaceHTMLElements=False).iter()


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<SCRIPT src=//evil></SCRIPT >",
        "<div onclick='alert(1)' style='position:fixed'>x</div>",
        "<img src=x onerror=alert(1)>",
        "<img src='https://evil.example/pixel.png'>",
        "<img src='data:text/html;base64,PHNjcmlwdD4='>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<iframe src='https://evil.example'></iframe>",
        "<form action='https://evil.example'><input name=a><button>go</button></form>",
        "<meta http-equiv='refresh' content='0;url=https://evil.example'>",
        "<base href='https://evil.example/'>",
        "<link rel=stylesheet href='https://evil.example/x.css'>",
        "<style>@import 'https://evil.example/x.css';</style>",
        "<svg onload=alert(1)><image href='https://evil.example/'/></svg>",
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
        "<object data='https://evil.example'></object><embed src='https://evil.example'>",
        "<b>unclosed</div></section></main></body></html><p>after",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<!--[if IE]><script>alert(1)</script><![endif]-->",
    ],
)
def test_nothing_in_an_output_acts_loads_or_reaches_out_of_its_place(markup):
    kept = clean(f"<p>before</p>{markup}")
    page = html5lib.parse(f"<main>{kept}<hr></main><footer></footer>", namespaceHTMLElements=False)
    body = page.find("body")
    assert [child.tag for child in body] == ["main", "footer"]
    for element in page.iter():
        assert element.tag not in {"script", "style", "iframe", "object", "embed", "form", "input",
                                   "meta", "base", "link", "svg", "math", "noscript"}  # fmt: skip
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            assert "evil" not in value or name == "title"
            assert "script:" not in value.replace("\n", "")
            assert name != "src" or value.startswith("data:image/")


def test_a_pandas_table_keeps_its_fields_and_loses_its_style():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"<b>": [1.5], "text": ["<script>x</script>"]})
    kept = clean(frame._repr_html_())
    assert "dataframe" in kept
    assert "vertical-align" not in kept
    assert "&lt;script&gt;x&lt;/script&gt;" in kept


def test_headings_of_a_notebook_go_below_the_title_without_gaps():
    assert clean("<h1>a</h1><h4>b</h4>") == "<h2>a</h2><h3>b</h3>"


def test_an_image_has_alt_text_from_its_metadata_or_says_that_there_is_none():
    data = {"image/png": PIXEL, "text/plain": "<Figure>"}
    with_alt = output(data=data, metadata={"image/png": {"alt": 'Up "5%"'}})
    assert 'alt="Up &quot;5%&quot;"' in output_html(with_alt)
    assert 'alt="Figure without a description"' in output_html(output(data=data))
    assert 'alt="Figure without a description"' in clean(
        f'<img src="data:image/png;base64,{PIXEL}">'
    )


def test_bytes_that_are_no_image_cannot_break_out_of_an_attribute():
    assert output_html(output(data={"image/png": '"><script>alert(1)</script>'})) == ""


def test_a_drawing_is_shown_as_an_image_in_which_nothing_acts():
    shown = output_html(output(data={"image/svg+xml": "<svg><script>alert(1)</script></svg>"}))
    assert {element.tag for element in elements(shown)} >= {"figure", "img"}
    assert "<script" not in shown


def test_printed_text_shows_what_a_terminal_would_show_in_the_end():
    shown = output_html(
        output("stream", name="stdout", text="10%\r50%\r100%\n\x1b[31m<red>\x1b[0m\n")
    )
    assert ">100%\n&lt;red&gt;</pre>" in shown


def test_messages_are_folded():
    assert output_html(output("stream", name="stderr", text="careful")).startswith("<details")


def test_endless_text_is_cut():
    assert len(output_html(output("stream", name="stdout", text="x" * 10**6))) < 30_000


def test_an_error_says_what_happened_and_folds_its_traceback():
    shown = output_html(
        output("error", ename="ValueError", evalue="<b>", traceback=["\x1b[0;31mValueError\x1b[0m"])
    )
    assert "This part failed.</strong> ValueError: &lt;b&gt;" in shown
    assert "<details><summary>Traceback" in shown
    assert "\x1b" not in shown


def test_markdown_is_rendered_cleaned_and_dollars_stay_dollars():
    shown = markdown_html(
        "# Costs $5 to $6\n\n| a |\n|---|\n| b |\n\n<script>x</script>![i](http://e/x)"
    )
    assert "<h2>Costs $5 to $6</h2>" in shown
    assert "<table>" in shown
    assert "script" not in shown
    assert "<img" not in shown


@pytest.mark.parametrize(
    "data", [{"application/javascript": "alert(1)"}, {"application/x-new+json": {}}]
)
def test_forms_that_need_a_program_are_left_out(data):
    assert output_html(output(data=data)) == ""
