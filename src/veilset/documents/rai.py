"""The responsible-AI vocabulary of Croissant (RAI 1.0): its twenty properties and how often each may stand."""

from __future__ import annotations

CONFORMS_TO = "http://mlcommons.org/croissant/RAI/1.0"

# Property name to whether it may stand more than once.
PROPERTIES: dict[str, bool] = {
    "annotationsPerItem": False,
    "annotatorDemographics": True,
    "dataAnnotationAnalysis": True,
    "dataAnnotationPlatform": True,
    "dataAnnotationProtocol": False,
    "dataBiases": True,
    "dataCollection": False,
    "dataCollectionMissingData": False,
    "dataCollectionRawData": False,
    "dataCollectionTimeframe": True,
    "dataCollectionType": True,
    "dataImputationProtocol": False,
    "dataLimitations": True,
    "dataManipulationProtocol": False,
    "dataPreprocessingProtocol": True,
    "dataReleaseMaintenancePlan": True,
    "dataSocialImpact": False,
    "dataUseCases": True,
    "machineAnnotationTools": True,
    "personalSensitiveInformation": True,
}
