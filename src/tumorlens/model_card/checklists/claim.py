"""CLAIM 2024: the 44 items for studies of AI in medical imaging, asked in our words, with what a card answers."""

from __future__ import annotations

from tumorlens.model_card.checklists import checklist_answers as says
from tumorlens.model_card.checklists.checklist_item import Checklist, ChecklistItem

_TITLE, _ABSTRACT, _INTRODUCTION = "Title", "Abstract", "Introduction"
_DESIGN, _DATA, _REFERENCE = "Methods: study design", "Methods: data", "Methods: reference standard"
_PARTS, _TESTING, _MODEL = "Methods: data partitions", "Methods: testing data", "Methods: model"
_TRAINING, _EVALUATION = "Methods: training", "Methods: evaluation"
_INCLUDED, _PERFORMANCE = "Results: data", "Results: model performance"
_DISCUSSION, _OTHER = "Discussion", "Other information"

CLAIM = Checklist(
    name="CLAIM 2024",
    citation=(
        "Tejani et al. 2024, Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, "
        "Radiology: Artificial Intelligence 6(4):e240300, doi:10.1148/ryai.240300"
    ),
    counted="items",
    items=(
        ChecklistItem("1", _TITLE, "named as a study of AI, with the kind of AI", "a title that says so", (says.kind,)),
        ChecklistItem("2", _ABSTRACT, "design, methods, results and conclusions in brief", "the abstract"),
        ChecklistItem(
            "3",
            _INTRODUCTION,
            "background, and the role the model is to have",
            "the clinical question, and where in the care of a patient an answer would be used",
            (says.use,),
        ),
        ChecklistItem("4", _INTRODUCTION, "aims and hypotheses", "aims and hypotheses, stated before the results"),
        ChecklistItem(
            "5",
            _DESIGN,
            "data gathered before the study, or for it",
            "prospective or retrospective; images of a public set were gathered before the study",
        ),
        ChecklistItem("6", _DESIGN, "kind of study", "a new model, a comparison, a test of feasibility, a trial"),
        ChecklistItem(
            "7",
            _DATA,
            "where the data come from",
            "institutions and dates, and earlier studies on the same images",
            (says.sources,),
        ),
        ChecklistItem(
            "8", _DATA, "who was included and who was not", "criteria of inclusion and exclusion, place and dates"
        ),
        ChecklistItem(
            "9",
            _DATA,
            "what was done to images before the network sees them",
            "what happened before these files were written: choice of slices, window, conversion from DICOM",
            (says.preparation,),
        ),
        ChecklistItem(
            "10",
            _DATA,
            "which subset of the data was used",
            "images or regions that were left out, and by which rule",
        ),
        ChecklistItem(
            "11", _DATA, "how patients were made anonymous", "method of de-identification, of the file and of the face"
        ),
        ChecklistItem(
            "12", _DATA, "what became of missing data", "how many images lack a label, a mask or a patient, and why"
        ),
        ChecklistItem(
            "13",
            _DATA,
            "how images were acquired",
            "scanner, field strength, sequence, contrast agent, thickness and spacing of slices",
            (says.images,),
        ),
        ChecklistItem(
            "14",
            _REFERENCE,
            "what is taken as the truth, and how it was established",
            "how labels and outlines were established: histology, reading, follow-up",
            (says.labels,),
        ),
        ChecklistItem("15", _REFERENCE, "why this reference standard", "reasons, and what its known errors are"),
        ChecklistItem(
            "16",
            _REFERENCE,
            "who made the annotations",
            "number, training and experience of annotators, their instructions",
        ),
        ChecklistItem(
            "17",
            _REFERENCE,
            "annotation of the test part",
            "whether as the rest, by whom, blind to the model or not",
        ),
        ChecklistItem(
            "18",
            _REFERENCE,
            "agreement between and within annotators",
            "agreement between and within annotators, and how ties were broken",
        ),
        ChecklistItem("19", _PARTS, "division into parts, with their sizes", answers=(says.division,)),
        ChecklistItem("20", _PARTS, "what is kept apart between parts: patient, study or image", answers=(says.level,)),
        ChecklistItem(
            "21",
            _TESTING,
            "size of the test part, and why that size",
            "how that size was decided, and what difference it can show",
            (says.test_size,),
        ),
        ChecklistItem("22", _MODEL, "the model: inputs, outputs, structure", answers=(says.network, says.abstention)),
        ChecklistItem("23", _MODEL, "software, with versions", answers=(says.software,)),
        ChecklistItem("24", _MODEL, "weights before training", answers=(says.first_weights,)),
        ChecklistItem(
            "25",
            _TRAINING,
            "training: settings, augmentation, number of models",
            "how these settings were found, and how many models were tried",
            (says.recipe,),
        ),
        ChecklistItem("26", _TRAINING, "choice of the final model", answers=(says.final,)),
        ChecklistItem("27", _TRAINING, "combination of several models, if any", answers=(says.one_network,)),
        ChecklistItem(
            "28",
            _EVALUATION,
            "figures of performance that were used",
            "which figure is the main one, and why",
            (says.metrics,),
        ),
        ChecklistItem("29", _EVALUATION, "how uncertainty was measured", answers=(says.uncertainty,)),
        ChecklistItem(
            "30",
            _EVALUATION,
            "robustness and sensitivity to changes",
            "what artifacts, scanners and settings change (tumorlens evaluate --robustness)",
            (says.sensitivity, says.outside),
        ),
        ChecklistItem(
            "31",
            _EVALUATION,
            "methods of explanation, and their validation",
            "how far the maps can be trusted (tumorlens explain RUN --evaluate)",
            (says.explanations,),
        ),
        ChecklistItem("32", _EVALUATION, "evaluation on data of the same source", answers=(says.internal,)),
        ChecklistItem(
            "33",
            _EVALUATION,
            "test on data from elsewhere",
            "another institution's images (tumorlens evaluate RUN --data), or that there were none",
        ),
        ChecklistItem(
            "34",
            _EVALUATION,
            "registration, where it is a clinical trial",
            "register and number, or that it is no trial",
        ),
        ChecklistItem(
            "35",
            _INCLUDED,
            "numbers included and excluded",
            "how many were left out at each step, and why; best as a diagram",
            (says.counts,),
        ),
        ChecklistItem(
            "36", _INCLUDED, "who the patients of each part are", "age, sex, and stage or grade, of each part"
        ),
        ChecklistItem(
            "37",
            _PERFORMANCE,
            "figures of performance with their uncertainty",
            answers=(says.performance, says.calibration),
        ),
        ChecklistItem(
            "38",
            _PERFORMANCE,
            "diagnostic performance with its precision",
            answers=(says.each_class,),
        ),
        ChecklistItem(
            "39",
            _PERFORMANCE,
            "analysis of wrong answers",
            "what the wrong answers have in common; the evaluation's report shows the surest of them",
            (says.errors,),
        ),
        ChecklistItem(
            "40",
            _DISCUSSION,
            "limitations",
            "limits of your question, data and design beyond these",
            (says.limits,),
        ),
        ChecklistItem(
            "41",
            _DISCUSSION,
            "consequences for practice, and intended use",
            "what would have to be shown before it is used",
            (says.use,),
        ),
        ChecklistItem(
            "42",
            _OTHER,
            "where the full protocol or further detail is found",
            "the protocol, or a supplement",
            (says.identity,),
        ),
        ChecklistItem(
            "43",
            _OTHER,
            "availability of software, model and data",
            "where this file, your code and your tables can be fetched",
            (says.license, says.program),
        ),
        ChecklistItem("44", _OTHER, "funding, and the part funders had", "funding, other support, role of funders"),
    ),
)
