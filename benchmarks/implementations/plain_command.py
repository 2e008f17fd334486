"""A short script that classifies one image with PyTorch and timm."""

import sys

import timm
import torch
from PIL import Image
from torchvision import transforms

network, weights, image = sys.argv[1:]
classes = ["glioma", "meningioma", "pituitary", "no_tumor"]
model = timm.create_model(network, num_classes=len(classes))
model.load_state_dict(torch.load(weights))
model.eval()
transform = transforms.Compose(
    [transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
)
with torch.inference_mode():
    probabilities = torch.softmax(model(transform(Image.open(image).convert("RGB"))[None]), 1)[0]
best = int(probabilities.argmax())
print(f"{image}: {classes[best]} ({probabilities[best]:.1%})")
