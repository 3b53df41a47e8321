"""The `abtest` command: its verbs, found by name and imported only when used.

A verb is one module with one function that Typer understands: its parameters are the
arguments and options, its docstring is the help text, and the module's EXAMPLES (a text,
one command per line) ends the help. It is registered by one line in VERBS. A verb answers
with its exit code by `raise typer.Exit(code)`; errors are raised, `main` shows them.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from abtest.cli.console import complain, say, use_lenient_streams
from abtest.errors import AbtestError, SpecError, UsageError
from abtest.run.guard import skip_iri_grammar

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Verb:
    """A verb: its name, where its function is, and what it does in one line."""

    name: str
    target: str
    summary: str


VERBS = (
    Verb("demo", "abtest.cli.demo:demo", "Simulate six experiments, run all, make the reports."),
    Verb("init", "abtest.cli.init:init", "Start a project, with an example that runs."),
    Verb("new", "abtest.cli.new:new", "Write a commented experiment file."),
    Verb("metrics", "abtest.cli.metrics:metrics", "List metrics that can be used, or show one."),
    Verb("check", "abtest.cli.check:check", "Validate experiment files and the data they name."),
    Verb("run", "abtest.cli.run:run", "Execute reports in parallel and say each verdict."),
    Verb("status", "abtest.cli.status:status", "Say which results are up to date, and why not."),
    Verb("show", "abtest.cli.show:show", "Show the last verdict of an experiment."),
    Verb("export", "abtest.cli.export:export", "Write effects as CSV, Parquet or XLSX."),
    Verb("lab", "abtest.cli.lab:lab", "Start JupyterLab in the project."),
    Verb("schema", "abtest.cli.schema:schema", "Print the JSON Schema of a file format."),
    Verb("explain", "abtest.cli.explain:explain", "Say what a key of an experiment file means."),
)


class Verbs(TyperGroup):
    """A group of commands that imports a verb's module only when the verb is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all verbs."""
        del ctx
        return [verb.name for verb in VERBS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a verb.

        Raises
        ------
        UsageError
            There is no such verb; the message names the nearest.
        """
        for verb in VERBS:
            if verb.name == cmd_name:
                return _command(verb)
        near = get_close_matches(cmd_name, self.list_commands(ctx), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            "There is no verb of this name.",
            given=f"abtest {cmd_name}",
            todo=f"{hint}See: abtest --help",
            code="no_verb",
        )

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs into the help page, without importing any."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(verb.name, verb.summary) for verb in VERBS])


def _command(verb: Verb) -> Any:
    """Return the command made from a verb's function."""
    module_name, function_name = verb.target.split(":")
    module = import_module(module_name)
    function = getattr(module, function_name)
    examples = inspect.cleandoc(getattr(module, "EXAMPLES", f"abtest {verb.name}"))
    lines = "\n".join(f"  {line}" for line in examples.splitlines())
    single = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    single.command(
        verb.name,
        help=inspect.getdoc(function),
        epilog=f"\b\nExamples:\n{lines}",
        short_help=verb.summary,
    )(function)
    return typer.main.get_command(single)


# Plain help pages: Rich would be imported for them, which takes longer than all the rest.
app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from abtest import __version__

        say(f"abtest {__version__}")
        raise typer.Exit


@app.callback(
    epilog="\b\nExamples:\n  abtest init\n  abtest check\n  abtest explain metrics.margin"
)
def abtest(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works anywhere.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A/B tests: from a pre-registered file to a verdict people can defend."""
    del debug, version  # read by `main` and by the option's own callback


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done; 1: an experiment failed; 2: wrong usage, or nothing could be read; 3: a verdict
    of `--fail-on` occurred; 130: interrupted.
    """
    skip_iri_grammar()
    use_lenient_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        code = app(
            [argument for argument in given if argument != "--debug"] or ["--help"],
            prog_name="abtest",
            standalone_mode=False,
        )
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DONE
    except (KeyboardInterrupt, typer.Abort):
        complain("Interrupted.")
        return INTERRUPTED
    except Exception as error:  # the last place before the user
        return _explained(error, given, debug=debug)
    if not given:
        return WRONG_USAGE
    return code if isinstance(code, int) else DONE


def _explained(error: Exception, given: list[str], *, debug: bool) -> int:
    """Show an error in three parts and return the exit code it means."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, AbtestError):
        complain(str(error))
        unread = isinstance(error, SpecError) and error.code == "unreadable_spec"
        return WRONG_USAGE if unread or isinstance(error, UsageError) else FAILED
    format_message = getattr(error, "format_message", None)
    if format_message is not None:  # what Typer raises for wrong arguments
        return _wrong_arguments(error, format_message(), given)
    what = f"abtest failed unexpectedly: {type(error).__name__}: {error}"
    todo = "Run it again with --debug to see where; please report it."
    complain(str(AbtestError(what, given=_as_typed(given), todo=todo)))
    return FAILED


def _wrong_arguments(error: Exception, message: str, given: list[str]) -> int:
    context = getattr(error, "ctx", None)
    command = "abtest" if context is None else context.command_path
    todo = f"See: {command} --help"
    complain(
        str(UsageError(message.replace("Value error, ", ""), given=_as_typed(given), todo=todo))
    )
    return WRONG_USAGE


def _as_typed(given: list[str]) -> str:
    return " ".join(["abtest", *given])
