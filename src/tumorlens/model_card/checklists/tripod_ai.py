"""TRIPOD+AI: the 27 items (52 with their parts) for prediction models, asked in our words, with what a card answers."""

from __future__ import annotations

from tumorlens.model_card.checklists import checklist_answers as says
from tumorlens.model_card.checklists.checklist_item import Checklist, ChecklistItem

_TITLE, _ABSTRACT, _BACKGROUND, _OBJECTIVES = (
    "Title",
    "Abstract",
    "Introduction: background",
    "Introduction: objectives",
)
_DATA, _PARTICIPANTS, _PREPARATION = "Methods: data", "Methods: participants", "Methods: data preparation"
_OUTCOME, _PREDICTORS, _SIZE = "Methods: outcome", "Methods: predictors", "Methods: sample size"
_MISSING, _ANALYSIS, _IMBALANCE = "Methods: missing data", "Methods: analytical methods", "Methods: class imbalance"
_FAIRNESS, _OUTPUT, _VERSUS = "Methods: fairness", "Methods: model output", "Methods: training versus evaluation"
_ETHICS, _OPEN, _PUBLIC = "Methods: ethical approval", "Open science", "Patient and public involvement"
_WHO, _DEVELOPMENT, _SPECIFICATION = (
    "Results: participants",
    "Results: model development",
    "Results: model specification",
)
_PERFORMANCE, _UPDATING = "Results: model performance", "Results: model updating"
_INTERPRETATION, _LIMITATIONS = "Discussion: interpretation", "Discussion: limitations"
_USABILITY = "Discussion: usability in current care"

TRIPOD_AI = Checklist(
    name="TRIPOD+AI",
    citation=(
        "Collins et al. 2024, TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use "
        "regression or machine learning methods, BMJ 385:e078378, doi:10.1136/bmj-2023-078378"
    ),
    counted="items and sub-items",
    items=(
        ChecklistItem(
            "1",
            _TITLE,
            "named as making or testing a prediction model, for whom and of what",
            "a title that says so",
            (says.kind,),
        ),
        ChecklistItem("2", _ABSTRACT, "the abstract, by its own checklist of 13 items", "the abstract"),
        ChecklistItem(
            "3a",
            _BACKGROUND,
            "medical context, and models there are already",
            "diagnosis of what, why a model, and which came before",
        ),
        ChecklistItem(
            "3b",
            _BACKGROUND,
            "target population, purpose and users",
            "patients, place in their care, and users",
            (says.use,),
        ),
        ChecklistItem(
            "3c",
            _BACKGROUND,
            "known inequalities in health between groups",
            "between which groups, in the diagnosis of these tumors",
        ),
        ChecklistItem("4", _OBJECTIVES, "objectives: a model made, tested, or both", "objectives"),
        ChecklistItem(
            "5a",
            _DATA,
            "sources of the data for development and for evaluation",
            "why these data, and whom they stand for",
            (says.sources,),
        ),
        ChecklistItem("5b", _DATA, "dates of the data", "first and last date, and end of follow-up if there was one"),
        ChecklistItem("6a", _PARTICIPANTS, "setting, number and place of centers", "kind, number and place of centers"),
        ChecklistItem("6b", _PARTICIPANTS, "eligibility", "criteria of eligibility"),
        ChecklistItem(
            "6c",
            _PARTICIPANTS,
            "treatments received",
            "surgery, radiation or drugs before the scan, and what was done about them",
        ),
        ChecklistItem(
            "7",
            _PREPARATION,
            "preparation of the data, and checks of quality",
            "what was checked (tumorlens audit), and whether alike for all groups of patients",
            (says.preparation,),
        ),
        ChecklistItem(
            "8a",
            _OUTCOME,
            "outcome that is predicted, and how it was established",
            "how and when, and why this outcome",
            (says.labels,),
        ),
        ChecklistItem(
            "8b", _OUTCOME, "who judged the outcome", "training and background of those who labeled and drew"
        ),
        ChecklistItem("8c", _OUTCOME, "blinding of those who judged the outcome", "what those who labeled knew"),
        ChecklistItem(
            "9a", _PREDICTORS, "how predictors were chosen (development)", "why images alone", (says.one_slice,)
        ),
        ChecklistItem(
            "9b",
            _PREDICTORS,
            "predictors, and how they were measured",
            "scanner, sequence, contrast agent, timing",
            (says.images,),
        ),
        ChecklistItem(
            "9c",
            _PREDICTORS,
            "who measured predictors, where that takes judgment",
            "who chose the slices, if anybody did",
        ),
        ChecklistItem(
            "10",
            _SIZE,
            "size of the study, and whether it suffices",
            "why that is enough, of either part",
            (says.counts,),
        ),
        ChecklistItem("11", _MISSING, "what became of missing data", "what was missing or left out, and why"),
        ChecklistItem(
            "12a", _ANALYSIS, "use and division of the data (development)", answers=(says.division, says.level)
        ),
        ChecklistItem("12b", _ANALYSIS, "handling of predictors (development)", answers=(says.preparation,)),
        ChecklistItem(
            "12c",
            _ANALYSIS,
            "kind of model, each step of making it, internal validation (development)",
            "why this model, and how its settings were found",
            (says.network, says.first_weights, says.recipe, says.final, says.internal),
        ),
        ChecklistItem(
            "12d",
            _ANALYSIS,
            "differences between clusters, such as hospitals",
            "how they were looked for, or that they were not",
        ),
        ChecklistItem(
            "12e",
            _ANALYSIS,
            "measures of performance, and why these",
            "why these, which is the main one, and what the use would gain",
            (says.metrics, says.uncertainty),
        ),
        ChecklistItem(
            "12f",
            _ANALYSIS,
            "updating of the model after evaluation (evaluation)",
            "whether the model was changed or recalibrated after it was tested",
        ),
        ChecklistItem("12g", _ANALYSIS, "how predictions were calculated (evaluation)", answers=(says.calculation,)),
        ChecklistItem("13", _IMBALANCE, "methods against imbalance of classes", answers=(says.balance,)),
        ChecklistItem("14", _FAIRNESS, "methods for fairness", "methods and reasons, or that nothing was done"),
        ChecklistItem(
            "15",
            _OUTPUT,
            "output, and how classes and thresholds follow from it (development)",
            "why that rule",
            (says.answers, says.abstention),
        ),
        ChecklistItem(
            "16",
            _VERSUS,
            "differences between data of development and of evaluation",
            "differences in setting, eligibility, outcome and predictors",
            (says.internal,),
        ),
        ChecklistItem("17", _ETHICS, "ethical approval and consent", "committee, number, and consent or its waiver"),
        ChecklistItem("18a", _OPEN, "funding", "who paid, and what part they had"),
        ChecklistItem("18b", _OPEN, "conflicts of interest", "of every author"),
        ChecklistItem("18c", _OPEN, "protocol", "where it is, or that there is none"),
        ChecklistItem("18d", _OPEN, "registration", "register and number, or that there is none"),
        ChecklistItem(
            "18e",
            _OPEN,
            "availability of the data",
            "where your tables and any data of your own are",
            (says.sources,),
        ),
        ChecklistItem(
            "18f",
            _OPEN,
            "availability of the code of the analysis",
            "where your own code is",
            (says.program, says.identity),
        ),
        ChecklistItem(
            "19", _PUBLIC, "part that patients and the public had", "in design, conduct or reporting, or none"
        ),
        ChecklistItem(
            "20a",
            _WHO,
            "flow of participants, with and without the outcome",
            "how many were left out at each step; best as a diagram",
            (says.counts,),
        ),
        ChecklistItem("20b", _WHO, "characteriztics of participants", "age, sex, dates, treatments, of each source"),
        ChecklistItem(
            "20c",
            _WHO,
            "development and evaluation data side by side (evaluation)",
            "age and sex of either part",
            (says.counts,),
        ),
        ChecklistItem("21", _DEVELOPMENT, "participants and outcomes in each analysis", answers=(says.outcomes,)),
        ChecklistItem(
            "22",
            _SPECIFICATION,
            "the full model, for predictions by others (development)",
            "where this file can be fetched",
            (says.network, says.license),
        ),
        ChecklistItem(
            "23a",
            _PERFORMANCE,
            "figures of performance with intervals, also of groups",
            "figures by age, sex, center or scanner",
            (says.performance, says.calibration, says.each_class, says.errors, says.sensitivity),
        ),
        ChecklistItem(
            "23b",
            _PERFORMANCE,
            "differences in performance between clusters",
            "figures by hospital or scanner, or that none were made",
        ),
        ChecklistItem(
            "24",
            _UPDATING,
            "results of updating (evaluation)",
            "the updated model and its figures, or that there is none",
        ),
        ChecklistItem(
            "25",
            _INTERPRETATION,
            "meaning of the results, also for fairness",
            "beside the objectives and earlier studies",
        ),
        ChecklistItem(
            "26",
            _LIMITATIONS,
            "limitations",
            "limits of your question, data and design beyond these",
            (says.limits,),
        ),
        ChecklistItem(
            "27a",
            _USABILITY,
            "what to do with poor or missing input (development)",
            "which images must not be given to it, and who checks that",
            (says.outside,),
        ),
        ChecklistItem(
            "27b",
            _USABILITY,
            "what users have to do and to know (development)",
            "who chooses the slice, and what training that takes",
        ),
        ChecklistItem("27c", _USABILITY, "next steps of research", "what would show that it holds elsewhere"),
    ),
)
